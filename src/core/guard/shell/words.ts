/** Words of a command line: quotes, escapes, variables, substitutions. Base of the parser, which reads the commands in substitutions. */
import type { Part, Script, Word } from './syntax.ts';

/** Deepest nesting of brackets and substitutions. */
export const DEPTH_LIMIT = 40;

export class ShellSyntaxError extends Error {}

/** What ends a word. */
export const META = /[\s;&|()<>]/;

export abstract class WordReader {
  protected readonly text: string;
  protected at = 0;
  protected depth: number;

  constructor(text: string, depth: number) {
    this.text = text;
    this.depth = depth;
  }

  /** Commands up to a closing bracket, which is left. */
  protected abstract script(until: ')'): Script;
  /** A whole command line of its own. */
  protected abstract parse(text: string, depth: number): Script;
  /** The parts of a text in which only substitutions mean something. */
  protected abstract partsOf(text: string, depth: number): Part[];

  protected peek(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  protected starts(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  protected nested<T>(run: () => T): T {
    this.depth += 1;
    if (this.depth > DEPTH_LIMIT) throw new ShellSyntaxError('nested too deeply');
    const result = run();
    this.depth -= 1;
    return result;
  }

  /** Substitutions in an unquoted here-document run. */
  hereBody(): Word {
    const parts: Part[] = [];
    while (this.at < this.text.length) this.quotedPart(parts, '');
    return { parts };
  }

  protected word(): Word {
    const parts: Part[] = [];
    const from = this.at;
    for (;;) {
      const c = this.peek();
      if (c === '') break;
      if ((c === '<' || c === '>') && this.peek(1) === '(') parts.push(this.processSubstitution());
      else if (META.test(c)) {
        if (!(c === '(' && /[?*+@!]$/.test(this.text.slice(from, this.at)))) break;
        parts.push(this.extendedGlob());
      } else this.wordPart(parts);
    }
    if (this.at === from) throw new ShellSyntaxError(`unexpected ${this.peek() || 'end'}`);
    return { parts };
  }

  protected wordPart(parts: Part[]): void {
    const c = this.peek();
    if (c === "'") return void parts.push(text(this.until("'", this.at + 1), true));
    if (c === '"') {
      this.at += 1;
      parts.push(text('', true));
      while (this.peek() !== '"') this.quotedPart(parts, '"');
      this.at += 1;
      return;
    }
    if (c === '\\') {
      const next = this.peek(1);
      this.at += 2;
      if (next !== '\n') parts.push(text(next, true));
      return;
    }
    if (c === '$' || c === '`') return void parts.push(this.dollar());
    let end = this.at + 1;
    while (end < this.text.length && !/[\s;&|()<>'"\\$`]/.test(this.text[end] ?? '')) end += 1;
    parts.push(text(this.text.slice(this.at, end), false));
    this.at = end;
  }

  /** One piece inside double quotes (or of a here-document, where nothing closes it). */
  protected quotedPart(parts: Part[], close: string): void {
    const c = this.peek();
    if (c === '') throw new ShellSyntaxError('a quote is not closed');
    if (c === '$' || c === '`') return void parts.push(this.dollar());
    if (c === '\\') {
      const next = this.peek(1);
      this.at += 2;
      if (next === '\n') return;
      return void parts.push(text(/["\\$`]/.test(next) ? next : `\\${next}`, true));
    }
    let end = this.at + 1;
    while (end < this.text.length && !/[\\$`]/.test(this.text[end] ?? '') && this.text[end] !== close) end += 1;
    parts.push(text(this.text.slice(this.at, end), true));
    this.at = end;
  }

  protected until(close: string, from: number): string {
    const end = this.text.indexOf(close, from);
    if (end < 0) throw new ShellSyntaxError('a quote is not closed');
    this.at = end + 1;
    return this.text.slice(from, end);
  }

  protected extendedGlob(): Part {
    const end = this.text.indexOf(')', this.at);
    if (end < 0) throw new ShellSyntaxError('( without )');
    this.at = end + 1;
    return text('*', false);
  }

  protected processSubstitution(): Part {
    this.at += 2;
    return this.bracketed(true);
  }

  protected bracketed(process: boolean): Part {
    const script = this.nested(() => this.script(')'));
    if (this.peek() !== ')') throw new ShellSyntaxError('( without )');
    this.at += 1;
    return { kind: 'script', script, process };
  }

  protected dollar(): Part {
    if (this.peek() === '`') return this.backticks();
    if (this.starts("$'")) return this.ansiQuoted();
    if (this.starts('$((')) return this.dollarArithmetic();
    if (this.starts('$(')) {
      this.at += 2;
      return this.bracketed(false);
    }
    if (this.starts('${')) return this.braced();
    if (this.starts('$"')) {
      this.at += 1;
      return text('', true);
    }
    const name = /^\$([A-Za-z_]\w*|[0-9@*#?$!-])/.exec(this.text.slice(this.at, this.at + 256))?.[1];
    this.at += 1 + (name?.length ?? 0);
    return name === undefined ? text('$', true) : { kind: 'variable', name, fallback: null };
  }

  protected dollarArithmetic(): Part {
    let depth = 0;
    for (let at = this.at + 1; at < this.text.length; at++) {
      if (this.text[at] === '(') depth += 1;
      else if (this.text[at] === ')') depth -= 1;
      if (depth > 0) continue;
      const inner = this.text.slice(this.at + 3, at - 1);
      this.at = at + 1;
      // A substitution in a sum runs as well.
      const script = inner.includes('$(') || inner.includes('`') ? this.scriptsIn(inner) : [];
      return { kind: 'script', script, process: false };
    }
    throw new ShellSyntaxError('$(( without ))');
  }

  protected scriptsIn(inner: string): Script {
    return this.partsOf(inner, this.depth + 1).flatMap((part) => (part.kind === 'script' ? part.script : []));
  }

  protected backticks(): Part {
    let inner = '';
    for (let at = this.at + 1; at < this.text.length; at++) {
      const c = this.text[at];
      if (c === '\\' && /[`\\$]/.test(this.text[at + 1] ?? '')) inner += this.text[++at];
      else if (c === '`') {
        this.at = at + 1;
        return { kind: 'script', script: this.nested(() => this.parse(inner, this.depth)), process: false };
      } else inner += c;
    }
    throw new ShellSyntaxError('a backtick is not closed');
  }

  /** `${NAME}`, `${NAME:-word}`; other operators keep the name and forget the rest. */
  protected braced(): Part {
    const head = /^\$\{[!#]?([A-Za-z_]\w*|[0-9@*#?$!-])(\[[^\]]*\])?/.exec(this.text.slice(this.at, this.at + 256));
    if (!head?.[1]) throw new ShellSyntaxError('a substitution that is not understood');
    this.at += head[0].length;
    const operator = /^:?[-=+?]/.exec(this.text.slice(this.at, this.at + 2))?.[0];
    this.at += operator?.length ?? 0;
    const parts: Part[] = [];
    while (this.peek() !== '}') {
      const c = this.peek();
      if (c === '') throw new ShellSyntaxError('${ without }');
      if (/["'\\$`]/.test(c)) this.wordPart(parts);
      else {
        parts.push(text(c, false));
        this.at += 1;
      }
    }
    this.at += 1;
    return { kind: 'variable', name: head[1], fallback: parts.length > 0 ? { parts } : null };
  }

  protected ansiQuoted(): Part {
    let out = '';
    for (let at = this.at + 2; at < this.text.length; at++) {
      const c = this.text[at];
      if (c === "'") {
        this.at = at + 1;
        return text(out, true);
      }
      if (c !== '\\') out += c;
      else {
        const found = ansiEscape(this.text.slice(at + 1, at + 12));
        out += found.text;
        at += found.length;
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
