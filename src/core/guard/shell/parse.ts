/**
 * A parser for the part of shell that commands of agents are written in: quotes, substitutions, pipelines, lists, redirections,
 * here-documents, groups, `if for while until case`, functions. It reads structure and runs nothing. Pure.
 *
 * What it does not understand is an error, never a guess: the guard then asks.
 */
import type { Group, Node, Part, Redirect, Script, Simple } from './syntax.ts';
import { META, ShellSyntaxError, WordReader } from './words.ts';

export { ShellSyntaxError } from './words.ts';

/** Longest command that is parsed. Characters. */
export const COMMAND_LIMIT = 256 * 1024;
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
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/** @throws ShellSyntaxError */
export function parseShell(text: string, depth = 0): Script {
  if (text.length > COMMAND_LIMIT) throw new ShellSyntaxError('the command is too long to be read');
  const parser = new Parser(text, depth);
  const script = parser.script(null);
  parser.end();
  return script;
}

class Parser extends WordReader {
  #hereDocs: { redirect: Redirect; delimiter: string; quoted: boolean; stripTabs: boolean }[] = [];

  end(): void {
    if (this.at < this.text.length) throw new ShellSyntaxError(`unexpected ${this.text[this.at]}`);
    if (this.#hereDocs.length > 0) this.#readHereDocs();
  }

  /** Commands up to a closing bracket (which is left), or to the end. */
  script(until: ')' | '}' | ';;' | null): Script {
    const out: Script = [];
    for (;;) {
      this.#skipSeparators(until);
      if (this.at >= this.text.length) return out;
      if (until === ')' && this.peek() === ')') return out;
      if (until === ';;' && (this.starts(';;') || this.starts(';&') || this.#atWord('esac'))) return out;
      if (until === '}' && this.#atWord('}')) return out;
      if (this.peek() === ')') throw new ShellSyntaxError('unexpected )');
      out.push(...this.#pipeline());
    }
  }

  #skipSeparators(until: string | null): void {
    for (;;) {
      const c = this.peek();
      if (until === ';;' && (this.starts(';;') || this.starts(';&'))) return;
      if (c === '\\' && this.peek(1) === '\n') this.at += 2;
      else if (c === '#') this.#skipComment();
      else if (c === '\n') {
        this.at += 1;
        this.#readHereDocs();
      } else if (
        c !== '' &&
        (BLANK.test(c) || c === '\r' || c === ';' || (c === '&' && this.peek(1) !== '>') || this.starts('||'))
      ) {
        this.at += c === '|' ? 2 : 1;
      } else return;
    }
  }

  #skipComment(): void {
    while (this.at < this.text.length && this.peek() !== '\n') this.at += 1;
  }

  #skipBlanks(): void {
    for (;;) {
      if (this.peek() === '\\' && this.peek(1) === '\n') this.at += 2;
      else if (BLANK.test(this.peek())) this.at += 1;
      else return;
    }
  }

  /** Is an unquoted word here, standing alone? */
  #atWord(word: string): boolean {
    if (!this.starts(word)) return false;
    const next = this.peek(word.length);
    return next === '' || META.test(next);
  }

  #pipeline(): Script {
    const stages: Node[] = [];
    for (;;) {
      const command = this.#command();
      if (command) stages.push(...command);
      this.#skipBlanks();
      if (this.peek() !== '|' || this.peek(1) === '|') break;
      this.at += this.peek(1) === '&' ? 2 : 1;
      for (this.#skipBlanks(); this.peek() === '\n'; this.#skipBlanks()) this.at += 1;
    }
    return stages.length > 1 ? [{ kind: 'pipe', stages }] : stages;
  }

  /** null: nothing but shaping words. */
  #command(): Node[] | null {
    this.#skipBlanks();
    if (this.starts('((')) return this.#arithmetic();
    if (this.peek() === '(') return [this.#group('(', ')')];
    if (this.#atWord('{')) return [this.#group('{', '}')];
    if (this.#atWord('[[')) return [this.#test()];
    if (this.#atWord('for') || this.#atWord('select')) return [this.#loop()];
    if (this.#atWord('case')) return this.#case();
    if (this.#atWord('function')) return this.#function();
    for (const word of SHAPING) {
      if (!this.#atWord(word)) continue;
      this.at += word.length;
      this.#skipBlanks();
      return this.#atEndOfCommand() ? null : this.#command();
    }
    return [this.#simple()];
  }

  #atEndOfCommand(): boolean {
    const c = this.peek();
    return c === '' || c === '\n' || c === ';' || c === '&' || c === '|' || c === ')';
  }

  #arithmetic(): Node[] {
    const end = this.text.indexOf('))', this.at);
    if (end < 0) throw new ShellSyntaxError('(( without ))');
    this.at = end + 2;
    return [];
  }

  #group(open: '(' | '{', close: ')' | '}'): Group {
    this.at += 1;
    const body = this.nested(() => this.script(close));
    if (this.peek() !== close) throw new ShellSyntaxError(`${open} without ${close}`);
    this.at += 1;
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
      while (/[\s()<>&|!]/.test(this.peek())) this.at += 1;
      if (this.at >= this.text.length) throw new ShellSyntaxError('[[ without ]]');
      const done = this.#atWord(']]');
      simple.words.push(this.word());
      if (done) return simple;
    }
  }

  /** `for x in a b; do`: x may be each of them. */
  #loop(): Node {
    const simple: Simple = { kind: 'simple', assigns: [], words: [], redirects: [] };
    this.at += this.#atWord('for') ? 3 : 6;
    this.#skipBlanks();
    if (this.starts('((')) {
      this.#arithmetic();
      return simple;
    }
    const name = NAME.exec(this.text.slice(this.at))?.[0];
    if (!name) throw new ShellSyntaxError('for without a name');
    this.at += name.length;
    for (this.#skipBlanks(); this.peek() === '\n'; this.#skipBlanks()) this.at += 1;
    if (!this.#atWord('in')) return simple;
    this.at += 2;
    for (this.#skipBlanks(); !this.#atEndOfCommand(); this.#skipBlanks()) {
      simple.assigns.push({ name, value: this.word() });
    }
    return simple;
  }

  #case(): Node[] {
    this.at += 4;
    this.#skipBlanks();
    const subject: Simple = { kind: 'simple', assigns: [], words: [], redirects: [] };
    // The word that is compared is text, no command; substitutions in it run all the same.
    subject.assigns.push({ name: '_', value: this.word() });
    while (/\s/.test(this.peek())) this.at += 1;
    if (!this.#atWord('in')) throw new ShellSyntaxError('case without in');
    this.at += 2;
    const out: Node[] = [subject];
    for (;;) {
      while (/\s/.test(this.peek())) this.at += 1;
      if (this.#atWord('esac')) {
        this.at += 4;
        return out;
      }
      this.#casePattern();
      out.push({ kind: 'group', subshell: false, body: this.nested(() => this.script(';;')), redirects: [] });
      if (this.starts(';;&')) this.at += 3;
      else if (this.starts(';;') || this.starts(';&')) this.at += 2;
    }
  }

  #casePattern(): void {
    if (this.peek() === '(') this.at += 1;
    for (;;) {
      this.#skipBlanks();
      if (this.at >= this.text.length) throw new ShellSyntaxError('case without esac');
      this.word();
      this.#skipBlanks();
      if (this.peek() === '|') this.at += 1;
      else if (this.peek() === ')') {
        this.at += 1;
        return;
      } else throw new ShellSyntaxError('a case pattern without )');
    }
  }

  #function(): Node[] | null {
    this.at += 'function'.length;
    this.#skipBlanks();
    this.word();
    this.#skipBlanks();
    if (this.starts('()')) this.at += 2;
    while (/\s/.test(this.peek())) this.at += 1;
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
      if (this.peek() === '(') {
        this.#arrayOrFunction(simple);
        if (simple.words.length === 0 && simple.assigns.length === 0) return simple;
        continue;
      }
      const assign =
        simple.words.length === 0
          ? /^([A-Za-z_]\w*)(\[[^\]]*\])?\+?=/.exec(this.text.slice(this.at, this.at + 256))
          : null;
      if (assign?.[1]) {
        this.at += assign[0].length;
        const empty = this.#atEndOfCommand() || BLANK.test(this.peek()) || this.peek() === '(';
        simple.assigns.push({ name: assign[1], value: empty ? { parts: [] } : this.word() });
      } else simple.words.push(this.word());
    }
  }

  /** `a=(x y)` gives its words to the assignment; `name()` begins a function, whose body is read as commands. */
  #arrayOrFunction(simple: Simple): void {
    if (this.starts('()') && simple.words.length === 1) {
      this.at += 2;
      simple.words = [];
      return;
    }
    const last = simple.assigns.at(-1);
    if (!last || simple.words.length > 0) throw new ShellSyntaxError('unexpected (');
    this.at += 1;
    for (;;) {
      while (/\s/.test(this.peek())) this.at += 1;
      if (this.peek() === ')') break;
      if (this.at >= this.text.length || META.test(this.peek())) throw new ShellSyntaxError('( without )');
      simple.assigns.push({ name: last.name, value: this.word() });
    }
    this.at += 1;
  }

  #redirect(): Redirect | null {
    const found = /^(?:\d+|\{\w+\})?(&>>|&>|<<<|<<-|<<|<>|<&|>>|>&|>\||<(?!\()|>(?!\())/.exec(
      this.text.slice(this.at, this.at + 64),
    );
    if (!found?.[1]) return null;
    this.at += found[0].length;
    this.#skipBlanks();
    const op = found[1];
    const from = this.at;
    const redirect: Redirect = { op, target: this.word() };
    if (op === '<<' || op === '<<-') {
      const raw = this.text.slice(from, this.at);
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
        if (this.at >= this.text.length) break;
        const end = this.text.indexOf('\n', this.at);
        const line = this.text.slice(this.at, end < 0 ? undefined : end);
        this.at = end < 0 ? this.text.length : end + 1;
        const bare = stripTabs ? line.replace(/^\t+/, '') : line;
        if (bare === delimiter) break;
        lines.push(bare);
      }
      const body = lines.join('\n');
      redirect.target = quoted
        ? { parts: [{ kind: 'text', text: body, quoted: true }] }
        : { parts: this.partsOf(body, this.depth) };
    }
  }

  protected parse(text: string, depth: number): Script {
    return parseShell(text, depth);
  }

  protected partsOf(text: string, depth: number): Part[] {
    return new Parser(text, depth).hereBody().parts;
  }
}
