/**
 * A parser for the part of shell that commands of agents are written in: quotes, substitutions, pipelines, lists, redirections,
 * here-documents, groups, `if for while until case`, functions. It reads structure and runs nothing. Pure.
 *
 * What it does not understand is an error, never a guess: the guard then asks.
 */
import type { Group, Node, Part, Redirect, Script, Simple, Word } from './syntax.ts';

/** Longest command that is parsed. Characters. */
export const COMMAND_LIMIT = 256 * 1024;
/** Deepest nesting of brackets and substitutions. */
export const DEPTH_LIMIT = 40;

export class ShellSyntaxError extends Error {}

/** Words that only shape the command line: what follows them is a command again. */
const SHAPING = new Set([
  'if',
  'then',
  'elif',
  'else',
  'fi',
  'while',
  'until',
  'do',
  'done',
  '!',
  'time',
  'coproc',
  'esac',
]);
const BLANK = /[ \t]/;
const META = /[\s;&|()<>]/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/** @throws ShellSyntaxError */
export function parseShell(text: string, depth = 0): Script {
  if (text.length > COMMAND_LIMIT) throw new ShellSyntaxError('the command is too long to be read');
  const parser = new Parser(text, depth);
  const script = parser.script(null);
  parser.end();
  return script;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth: number;
  #hereDocs: { redirect: Redirect; delimiter: string; quoted: boolean; stripTabs: boolean }[] = [];

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  end(): void {
    if (this.#at < this.#text.length) throw new ShellSyntaxError(`unexpected ${this.#text[this.#at]}`);
    if (this.#hereDocs.length > 0) this.#readHereDocs();
  }

  #peek(ahead = 0): string {
    return this.#text[this.#at + ahead] ?? '';
  }

  #starts(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #nested<T>(run: () => T): T {
    this.#depth += 1;
    if (this.#depth > DEPTH_LIMIT) throw new ShellSyntaxError('nested too deeply');
    const result = run();
    this.#depth -= 1;
    return result;
  }

  /** Commands up to a closing bracket (which is left), or to the end. */
  script(until: ')' | '}' | ';;' | null): Script {
    const out: Script = [];
    for (;;) {
      this.#skipSeparators(until);
      if (this.#at >= this.#text.length) return out;
      if (until === ')' && this.#peek() === ')') return out;
      if (until === ';;' && (this.#starts(';;') || this.#starts(';&') || this.#atWord('esac'))) return out;
      if (until === '}' && this.#atWord('}')) return out;
      if (this.#peek() === ')') throw new ShellSyntaxError('unexpected )');
      out.push(...this.#pipeline());
    }
  }

  #skipSeparators(until: string | null): void {
    for (;;) {
      const c = this.#peek();
      if (until === ';;' && (this.#starts(';;') || this.#starts(';&'))) return;
      if (c === '\\' && this.#peek(1) === '\n') this.#at += 2;
      else if (c === '#') this.#skipComment();
      else if (c === '\n') {
        this.#at += 1;
        this.#readHereDocs();
      } else if (
        c !== '' &&
        (BLANK.test(c) || c === '\r' || c === ';' || (c === '&' && this.#peek(1) !== '>') || this.#starts('||'))
      ) {
        this.#at += c === '|' ? 2 : 1;
      } else return;
    }
  }

  #skipComment(): void {
    while (this.#at < this.#text.length && this.#peek() !== '\n') this.#at += 1;
  }

  #skipBlanks(): void {
    for (;;) {
      if (this.#peek() === '\\' && this.#peek(1) === '\n') this.#at += 2;
      else if (BLANK.test(this.#peek())) this.#at += 1;
      else return;
    }
  }

  /** Is an unquoted word here, standing alone? */
  #atWord(word: string): boolean {
    if (!this.#starts(word)) return false;
    const next = this.#peek(word.length);
    return next === '' || META.test(next);
  }

  #pipeline(): Script {
    const stages: Node[] = [];
    for (;;) {
      const command = this.#command();
      if (command) stages.push(...command);
      this.#skipBlanks();
      if (this.#peek() !== '|' || this.#peek(1) === '|') break;
      this.#at += this.#peek(1) === '&' ? 2 : 1;
      for (this.#skipBlanks(); this.#peek() === '\n'; this.#skipBlanks()) this.#at += 1;
    }
    return stages.length > 1 ? [{ kind: 'pipe', stages }] : stages;
  }

  /** null: nothing but shaping words. */
  #command(): Node[] | null {
    this.#skipBlanks();
    if (this.#starts('((')) return this.#arithmetic();
    if (this.#peek() === '(') return [this.#group('(', ')')];
    if (this.#atWord('{')) return [this.#group('{', '}')];
    if (this.#atWord('[[')) return [this.#test()];
    if (this.#atWord('for') || this.#atWord('select')) return [this.#loop()];
    if (this.#atWord('case')) return this.#case();
    if (this.#atWord('function')) return this.#function();
    for (const word of SHAPING) {
      if (!this.#atWord(word)) continue;
      this.#at += word.length;
      this.#skipBlanks();
      return this.#atEndOfCommand() ? null : this.#command();
    }
    return [this.#simple()];
  }

  #atEndOfCommand(): boolean {
    const c = this.#peek();
    return c === '' || c === '\n' || c === ';' || c === '&' || c === '|' || c === ')';
  }

  #arithmetic(): Node[] {
    const end = this.#text.indexOf('))', this.#at);
    if (end < 0) throw new ShellSyntaxError('(( without ))');
    this.#at = end + 2;
    return [];
  }

  #group(open: '(' | '{', close: ')' | '}'): Group {
    this.#at += 1;
    const body = this.#nested(() => this.script(close));
    if (this.#peek() !== close) throw new ShellSyntaxError(`${open} without ${close}`);
    this.#at += 1;
    return { kind: 'group', subshell: open === '(', body, redirects: this.#redirects() };
  }

  #redirects(): Redirect[] {
    const out: Redirect[] = [];
    for (;;) {
      this.#skipBlanks();
      const redirect = this.#redirect();
      if (!redirect) return out;
      out.push(redirect);
    }
  }

  /** `[[ … ]]`: words are paths or texts that are compared. */
  #test(): Simple {
    const simple: Simple = { kind: 'simple', assigns: [], words: [], redirects: [] };
    for (;;) {
      while (/[\s()<>&|!]/.test(this.#peek())) this.#at += 1;
      if (this.#at >= this.#text.length) throw new ShellSyntaxError('[[ without ]]');
      const done = this.#atWord(']]');
      simple.words.push(this.#word());
      if (done) return simple;
    }
  }

  /** `for x in a b; do`: x may be each of them. */
  #loop(): Node {
    const simple: Simple = { kind: 'simple', assigns: [], words: [], redirects: [] };
    this.#at += this.#atWord('for') ? 3 : 6;
    this.#skipBlanks();
    if (this.#starts('((')) {
      this.#arithmetic();
      return simple;
    }
    const name = NAME.exec(this.#text.slice(this.#at))?.[0];
    if (!name) throw new ShellSyntaxError('for without a name');
    this.#at += name.length;
    for (this.#skipBlanks(); this.#peek() === '\n'; this.#skipBlanks()) this.#at += 1;
    if (!this.#atWord('in')) return simple;
    this.#at += 2;
    for (this.#skipBlanks(); !this.#atEndOfCommand(); this.#skipBlanks()) {
      simple.assigns.push({ name, value: this.#word() });
    }
    return simple;
  }

  #case(): Node[] {
    this.#at += 4;
    this.#skipBlanks();
    const subject: Simple = { kind: 'simple', assigns: [], words: [], redirects: [] };
    // The word that is compared is text, no command; substitutions in it run all the same.
    subject.assigns.push({ name: '_', value: this.#word() });
    while (/\s/.test(this.#peek())) this.#at += 1;
    if (!this.#atWord('in')) throw new ShellSyntaxError('case without in');
    this.#at += 2;
    const out: Node[] = [subject];
    for (;;) {
      while (/\s/.test(this.#peek())) this.#at += 1;
      if (this.#atWord('esac')) {
        this.#at += 4;
        return out;
      }
      this.#casePattern();
      out.push({ kind: 'group', subshell: false, body: this.#nested(() => this.script(';;')), redirects: [] });
      if (this.#starts(';;&')) this.#at += 3;
      else if (this.#starts(';;') || this.#starts(';&')) this.#at += 2;
    }
  }

  #casePattern(): void {
    if (this.#peek() === '(') this.#at += 1;
    for (;;) {
      this.#skipBlanks();
      if (this.#at >= this.#text.length) throw new ShellSyntaxError('case without esac');
      this.#word();
      this.#skipBlanks();
      if (this.#peek() === '|') this.#at += 1;
      else if (this.#peek() === ')') {
        this.#at += 1;
        return;
      } else throw new ShellSyntaxError('a case pattern without )');
    }
  }

  #function(): Node[] | null {
    this.#at += 'function'.length;
    this.#skipBlanks();
    this.#word();
    this.#skipBlanks();
    if (this.#starts('()')) this.#at += 2;
    while (/\s/.test(this.#peek())) this.#at += 1;
    return this.#command();
  }

  #simple(): Simple {
    const simple: Simple = { kind: 'simple', assigns: [], words: [], redirects: [] };
    for (;;) {
      this.#skipBlanks();
      const redirect = this.#redirect();
      if (redirect) {
        simple.redirects.push(redirect);
        continue;
      }
      if (this.#atEndOfCommand()) return simple;
      if (this.#peek() === '(') {
        this.#arrayOrFunction(simple);
        if (simple.words.length === 0 && simple.assigns.length === 0) return simple;
        continue;
      }
      const assign =
        simple.words.length === 0
          ? /^([A-Za-z_]\w*)(\[[^\]]*\])?\+?=/.exec(this.#text.slice(this.#at, this.#at + 256))
          : null;
      if (assign?.[1]) {
        this.#at += assign[0].length;
        const empty = this.#atEndOfCommand() || BLANK.test(this.#peek()) || this.#peek() === '(';
        simple.assigns.push({ name: assign[1], value: empty ? { parts: [] } : this.#word() });
      } else simple.words.push(this.#word());
    }
  }

  /** `a=(x y)` gives its words to the assignment; `name()` begins a function, whose body is read as commands. */
  #arrayOrFunction(simple: Simple): void {
    if (this.#starts('()') && simple.words.length === 1) {
      this.#at += 2;
      simple.words = [];
      return;
    }
    const last = simple.assigns.at(-1);
    if (!last || simple.words.length > 0) throw new ShellSyntaxError('unexpected (');
    this.#at += 1;
    for (;;) {
      while (/\s/.test(this.#peek())) this.#at += 1;
      if (this.#peek() === ')') break;
      if (this.#at >= this.#text.length || META.test(this.#peek())) throw new ShellSyntaxError('( without )');
      simple.assigns.push({ name: last.name, value: this.#word() });
    }
    this.#at += 1;
  }

  #redirect(): Redirect | null {
    const found = /^(?:\d+|\{\w+\})?(&>>|&>|<<<|<<-|<<|<>|<&|>>|>&|>\||<(?!\()|>(?!\())/.exec(
      this.#text.slice(this.#at, this.#at + 64),
    );
    if (!found?.[1]) return null;
    this.#at += found[0].length;
    this.#skipBlanks();
    const op = found[1];
    const from = this.#at;
    const redirect: Redirect = { op, target: this.#word() };
    if (op === '<<' || op === '<<-') {
      const raw = this.#text.slice(from, this.#at);
      const quoted = /['"\\]/.test(raw);
      const delimiter = raw.replaceAll(/['"\\]/g, '');
      redirect.target = { parts: [] };
      this.#hereDocs.push({ redirect, delimiter, quoted, stripTabs: op === '<<-' });
    }
    return redirect;
  }

  /** Bodies of the here-documents that were announced on the line that just ended. */
  #readHereDocs(): void {
    for (const { redirect, delimiter, quoted, stripTabs } of this.#hereDocs.splice(0)) {
      const lines: string[] = [];
      for (;;) {
        // Bash takes the end of the file for the delimiter.
        if (this.#at >= this.#text.length) break;
        const end = this.#text.indexOf('\n', this.#at);
        const line = this.#text.slice(this.#at, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#text.length : end + 1;
        const bare = stripTabs ? line.replace(/^\t+/, '') : line;
        if (bare === delimiter) break;
        lines.push(bare);
      }
      const body = lines.join('\n');
      redirect.target = quoted
        ? { parts: [{ kind: 'text', text: body, quoted: true }] }
        : new Parser(body, this.#depth).#hereBody();
    }
  }

  /** Substitutions in an unquoted here-document run. */
  #hereBody(): Word {
    const parts: Part[] = [];
    while (this.#at < this.#text.length) this.#quotedPart(parts, '');
    return { parts };
  }

  #word(): Word {
    const parts: Part[] = [];
    const from = this.#at;
    for (;;) {
      const c = this.#peek();
      if (c === '') break;
      if ((c === '<' || c === '>') && this.#peek(1) === '(') parts.push(this.#processSubstitution());
      else if (META.test(c)) {
        if (!(c === '(' && /[?*+@!]$/.test(this.#text.slice(from, this.#at)))) break;
        parts.push(this.#extendedGlob());
      } else this.#wordPart(parts);
    }
    if (this.#at === from) throw new ShellSyntaxError(`unexpected ${this.#peek() || 'end'}`);
    return { parts };
  }

  #wordPart(parts: Part[]): void {
    const c = this.#peek();
    if (c === "'") return void parts.push(text(this.#until("'", this.#at + 1), true));
    if (c === '"') {
      this.#at += 1;
      parts.push(text('', true));
      while (this.#peek() !== '"') this.#quotedPart(parts, '"');
      this.#at += 1;
      return;
    }
    if (c === '\\') {
      const next = this.#peek(1);
      this.#at += 2;
      if (next !== '\n') parts.push(text(next, true));
      return;
    }
    if (c === '$' || c === '`') return void parts.push(this.#dollar());
    let end = this.#at + 1;
    while (end < this.#text.length && !/[\s;&|()<>'"\\$`]/.test(this.#text[end] ?? '')) end += 1;
    parts.push(text(this.#text.slice(this.#at, end), false));
    this.#at = end;
  }

  /** One piece inside double quotes (or of a here-document, where nothing closes it). */
  #quotedPart(parts: Part[], close: string): void {
    const c = this.#peek();
    if (c === '') throw new ShellSyntaxError('a quote is not closed');
    if (c === '$' || c === '`') return void parts.push(this.#dollar());
    if (c === '\\') {
      const next = this.#peek(1);
      this.#at += 2;
      if (next === '\n') return;
      return void parts.push(text(/["\\$`]/.test(next) ? next : `\\${next}`, true));
    }
    let end = this.#at + 1;
    while (end < this.#text.length && !/[\\$`]/.test(this.#text[end] ?? '') && this.#text[end] !== close) end += 1;
    parts.push(text(this.#text.slice(this.#at, end), true));
    this.#at = end;
  }

  #until(close: string, from: number): string {
    const end = this.#text.indexOf(close, from);
    if (end < 0) throw new ShellSyntaxError('a quote is not closed');
    this.#at = end + 1;
    return this.#text.slice(from, end);
  }

  #extendedGlob(): Part {
    const end = this.#text.indexOf(')', this.#at);
    if (end < 0) throw new ShellSyntaxError('( without )');
    this.#at = end + 1;
    return text('*', false);
  }

  #processSubstitution(): Part {
    this.#at += 2;
    return this.#bracketed(true);
  }

  #bracketed(process: boolean): Part {
    const script = this.#nested(() => this.script(')'));
    if (this.#peek() !== ')') throw new ShellSyntaxError('( without )');
    this.#at += 1;
    return { kind: 'script', script, process };
  }

  #dollar(): Part {
    if (this.#peek() === '`') return this.#backticks();
    if (this.#starts("$'")) return this.#ansiQuoted();
    if (this.#starts('$((')) return this.#dollarArithmetic();
    if (this.#starts('$(')) {
      this.#at += 2;
      return this.#bracketed(false);
    }
    if (this.#starts('${')) return this.#braced();
    if (this.#starts('$"')) {
      this.#at += 1;
      return text('', true);
    }
    const name = /^\$([A-Za-z_]\w*|[0-9@*#?$!-])/.exec(this.#text.slice(this.#at, this.#at + 256))?.[1];
    this.#at += 1 + (name?.length ?? 0);
    return name === undefined ? text('$', true) : { kind: 'variable', name, fallback: null };
  }

  #dollarArithmetic(): Part {
    let depth = 0;
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      if (this.#text[at] === '(') depth += 1;
      else if (this.#text[at] === ')') depth -= 1;
      if (depth > 0) continue;
      const inner = this.#text.slice(this.#at + 3, at - 1);
      this.#at = at + 1;
      // A substitution in a sum runs as well.
      const script = inner.includes('$(') || inner.includes('`') ? this.#scriptsIn(inner) : [];
      return { kind: 'script', script, process: false };
    }
    throw new ShellSyntaxError('$(( without ))');
  }

  #scriptsIn(inner: string): Script {
    const { parts } = new Parser(inner, this.#depth + 1).#hereBody();
    return parts.flatMap((part) => (part.kind === 'script' ? part.script : []));
  }

  #backticks(): Part {
    let inner = '';
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const c = this.#text[at];
      if (c === '\\' && /[`\\$]/.test(this.#text[at + 1] ?? '')) inner += this.#text[++at];
      else if (c === '`') {
        this.#at = at + 1;
        return { kind: 'script', script: this.#nested(() => parseShell(inner, this.#depth)), process: false };
      } else inner += c;
    }
    throw new ShellSyntaxError('a backtick is not closed');
  }

  /** `${NAME}`, `${NAME:-word}`; other operators keep the name and forget the rest. */
  #braced(): Part {
    const head = /^\$\{[!#]?([A-Za-z_]\w*|[0-9@*#?$!-])(\[[^\]]*\])?/.exec(this.#text.slice(this.#at, this.#at + 256));
    if (!head?.[1]) throw new ShellSyntaxError('a substitution that is not understood');
    this.#at += head[0].length;
    const operator = /^:?[-=+?]/.exec(this.#text.slice(this.#at, this.#at + 2))?.[0];
    this.#at += operator?.length ?? 0;
    const parts: Part[] = [];
    while (this.#peek() !== '}') {
      const c = this.#peek();
      if (c === '') throw new ShellSyntaxError('${ without }');
      if (/["'\\$`]/.test(c)) this.#wordPart(parts);
      else {
        parts.push(text(c, false));
        this.#at += 1;
      }
    }
    this.#at += 1;
    return { kind: 'variable', name: head[1], fallback: parts.length > 0 ? { parts } : null };
  }

  #ansiQuoted(): Part {
    let out = '';
    for (let at = this.#at + 2; at < this.#text.length; at++) {
      const c = this.#text[at];
      if (c === "'") {
        this.#at = at + 1;
        return text(out, true);
      }
      if (c !== '\\') out += c;
      else {
        const escape = ansiEscape(this.#text.slice(at + 1, at + 12));
        out += escape.text;
        at += escape.length;
      }
    }
    throw new ShellSyntaxError('a quote is not closed');
  }
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  v: '\v',
};

/** One escape of `$'…'`, behind its backslash. */
function ansiEscape(rest: string): { text: string; length: number } {
  const coded = /^(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3}))/.exec(rest);
  if (coded) {
    const hex = coded[1] ?? coded[2] ?? coded[3];
    const code = hex === undefined ? Number.parseInt(coded[4] ?? '0', 8) : Number.parseInt(hex, 16);
    return { text: code <= 0x10ffff ? String.fromCodePoint(code) : '', length: coded[0].length };
  }
  const c = rest[0] ?? '';
  return { text: SIMPLE_ESCAPES[c] ?? c, length: 1 };
}

const text = (value: string, quoted: boolean): Part => ({ kind: 'text', text: value, quoted });
