/**
 * From a parsed script to what it would run: every simple command with the values its words may have, the folders it may run in,
 * and what is inside wrappers (`env`, `xargs`, `bash -c`, `eval`, `find -exec`, a shell fed by a pipe). Pure; over-approximates.
 */
import { absolute, normalise } from '../paths.ts';
import { parseShell, ShellSyntaxError } from './parse.ts';
import type { Node, Part, Script, Simple, Word } from './syntax.ts';

/** Values remembered for a word or a variable. */
const VALUES_LIMIT = 8;
/** Folders that a command may run in. */
const FOLDERS_LIMIT = 16;
/** Commands in one call; more are not read. */
const ACTS_LIMIT = 2_000;
/** Words behind a wrapper that a command may begin with. */
const WRAPPED_LIMIT = 50;
/** Scripts inside scripts (`bash -c`, `eval`). */
const SCRIPTS_DEPTH = 12;

/** What a word may be. `patterns` have globs and braces in them; a backslash protects what was quoted. */
export interface Arg {
  patterns: string[];
  /** Part of it is only known when it runs. */
  dynamic: boolean;
}

export interface Act {
  /** Program and arguments; empty for assignments alone. */
  words: Arg[];
  /** Files that are opened by redirections. */
  files: Arg[];
  /** Here-document, here-string or literal text that is piped in; null where there is none or it is not known. */
  input: string | null;
  folders: string[];
  /** Words of a wrapper read as a command: perhaps it is none. */
  maybe?: true;
}

export interface Surroundings {
  cwd: string;
  home: string;
  variables: Record<string, string>;
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'fish', 'busybox']);

/** @throws ShellSyntaxError where the command cannot be understood */
export function actsOf(command: string, surroundings: Surroundings): Act[] {
  const walker = new Walker(surroundings);
  walker.script(parseShell(command), 0);
  return walker.acts;
}

/** The plain text of a pattern. */
export function literal(pattern: string): string {
  return pattern.replaceAll(/\\(.)/gs, '$1');
}

/** Last part of a program's path. */
export function programOf(act: Act): string[] {
  return (act.words[0]?.patterns ?? []).map((pattern) => literal(pattern).replace(/^.*\//, ''));
}

class Walker {
  readonly acts: Act[] = [];
  readonly #home: string;
  #folders: string[];
  #variables: Map<string, string[]>;

  constructor({ cwd, home, variables }: Surroundings) {
    this.#home = home;
    this.#folders = [cwd];
    this.#variables = new Map(Object.entries(variables).map(([name, value]) => [name, [protect(value)]]));
  }

  script(script: Script, depth: number): void {
    for (const node of script) this.#node(node, depth, null);
  }

  #node(node: Node, depth: number, piped: string | null): void {
    if (node.kind === 'simple') return this.#simple(node, depth, piped);
    if (node.kind === 'pipe') return this.#pipe(node.stages, depth);
    const before = this.#folders;
    this.script(node.body, depth);
    if (node.subshell) this.#folders = before;
    const files = node.redirects.flatMap(({ op, target }) =>
      op === '<<' || op === '<<-' ? [] : [this.#arg(target, depth)],
    );
    if (files.length > 0) this.#add({ words: [], files, input: null, folders: this.#folders }, depth);
  }

  #pipe(stages: Node[], depth: number): void {
    let piped: string | null = null;
    for (const stage of stages) {
      const before = this.#folders;
      const first = this.acts.length;
      this.#node(stage, depth, piped);
      this.#folders = before;
      piped = printedBy(this.acts[first]);
    }
  }

  #simple(simple: Simple, depth: number, piped: string | null): void {
    for (const { name, value } of simple.assigns) this.#assign(name, this.#arg(value, depth));
    const words = simple.words.map((word) => this.#arg(word, depth));
    const files: Arg[] = [];
    let input = piped;
    for (const { op, target } of simple.redirects) {
      const arg = this.#arg(target, depth);
      if (op === '<<' || op === '<<-' || op === '<<<') input = arg.patterns.map(literal).join('\n');
      else files.push(arg);
    }
    this.#add({ words, files, input, folders: this.#folders }, depth);
  }

  #assign(name: string, { patterns }: Arg): void {
    const known = this.#variables.get(name) ?? [];
    this.#variables.set(name, [...new Set([...known, ...patterns])].slice(-VALUES_LIMIT));
  }

  #add(act: Act, depth: number): void {
    if (this.acts.length >= ACTS_LIMIT) throw new ShellSyntaxError('too many commands in one call');
    this.acts.push(act);
    for (const program of programOf(act)) {
      if (program === 'cd' || program === 'pushd') this.#enter(act.words);
      else if (['export', 'declare', 'local', 'typeset', 'readonly'].includes(program)) this.#declare(act.words);
    }
    for (const script of scriptsInside(act)) this.#inner(script, depth);
    this.#wrapped(act, depth);
  }

  #inner(text: string, depth: number): void {
    if (depth >= SCRIPTS_DEPTH) throw new ShellSyntaxError('scripts inside scripts too deeply');
    const before = this.#folders;
    this.script(parseShell(text, depth), depth + 1);
    this.#folders = [...new Set([...before, ...this.#folders])].slice(0, FOLDERS_LIMIT);
  }

  /** After a `cd` that may or may not have happened, both folders are possible. */
  #enter(words: Arg[]): void {
    const target = words.slice(1).find(({ patterns }) => !patterns.some((pattern) => /^-[LPe@]*$/.test(pattern)));
    const targets = target ? target.patterns : [protect(this.#home)];
    const entered = this.#folders.flatMap((folder) =>
      targets.map((pattern) => absolute(expandTilde(pattern, this.#home), folder, this.#home)),
    );
    this.#folders = [...new Set([...this.#folders, ...entered])].slice(-FOLDERS_LIMIT);
  }

  #declare(words: Arg[]): void {
    for (const { patterns, dynamic } of words.slice(1)) {
      for (const pattern of patterns) {
        const at = pattern.indexOf('=');
        if (at > 0) this.#assign(pattern.slice(0, at), { patterns: [pattern.slice(at + 1)], dynamic });
      }
    }
  }

  /** What stands behind a wrapper is a command of its own: every place where one may begin counts. */
  #wrapped(act: Act, depth: number): void {
    if (act.maybe || !programOf(act).some((program) => WRAPPERS.has(program))) return;
    for (let at = 1; at < Math.min(act.words.length, WRAPPED_LIMIT); at++) {
      this.#add({ ...act, words: act.words.slice(at), maybe: true }, depth + 1);
    }
  }

  #arg(word: Word, depth: number): Arg {
    let patterns = [''];
    let dynamic = false;
    for (const part of word.parts) {
      const values = this.#values(part, depth);
      if (values === null) dynamic = true;
      else patterns = patterns.flatMap((head) => values.map((value) => head + value)).slice(0, VALUES_LIMIT);
    }
    const first = word.parts[0];
    const tilde = first?.kind === 'text' && !first.quoted;
    return { patterns: patterns.map((pattern) => (tilde ? expandTilde(pattern, this.#home) : pattern)), dynamic };
  }

  /** null: not known before it runs. */
  #values(part: Part, depth: number): string[] | null {
    if (part.kind === 'text') return [part.quoted ? protect(part.text) : part.text];
    if (part.kind === 'variable') return this.#variable(part, depth);
    const first = this.acts.length;
    const before = this.#folders;
    this.script(part.script, depth);
    this.#folders = before;
    const only = part.script.length === 1 ? this.acts[first] : undefined;
    const printed = part.process ? null : this.#printed(only);
    return printed === null ? null : [protect(printed)];
  }

  #variable(part: Extract<Part, { kind: 'variable' }>, depth: number): string[] | null {
    const known = part.name === 'PWD' ? this.#folders.map(protect) : (this.#variables.get(part.name) ?? []);
    const fallback = part.fallback ? this.#arg(part.fallback, depth).patterns : [];
    const values = [...known, ...fallback].slice(0, VALUES_LIMIT);
    return values.length > 0 ? values : null;
  }

  #printed(act: Act | undefined): string | null {
    if (act && programOf(act).includes('pwd')) return this.#folders.at(-1) ?? null;
    return printedBy(act);
  }
}

/** Programs that run another one that is named behind them. */
const WRAPPERS = new Set([
  'env',
  'command',
  'builtin',
  'exec',
  'nohup',
  'time',
  'timeout',
  'nice',
  'ionice',
  'stdbuf',
  'xargs',
  'parallel',
  'sudo',
  'doas',
  'su',
  'setsid',
  'script',
  'watch',
  'chroot',
  'unshare',
  'nsenter',
  'flock',
  'strace',
  'ltrace',
  'find',
  'npx',
  'bunx',
  'pnpx',
  'npm',
  'pnpm',
  'yarn',
  'bun',
  'node',
  'deno',
  'tsx',
  'systemd-run',
  'caffeinate',
  'busybox',
  'trap',
  'ssh',
  'tmux',
  'screen',
  'expect',
  'unbuffer',
  'fd',
]);

/** Text that a command is known to print: `echo` and `printf` with literal words. */
function printedBy(act: Act | undefined): string | null {
  if (!act || act.words.some(({ dynamic }) => dynamic)) return null;
  const [program] = programOf(act);
  const rest = act.words.slice(1).map(({ patterns }) => literal(patterns[0] ?? ''));
  if (program === 'echo') return rest.filter((word, at) => !(at === 0 && /^-[neE]+$/.test(word))).join(' ');
  if (program === 'printf') return (rest.length > 1 ? rest.slice(1) : rest).join(' ').replaceAll('\\n', '\n');
  return null;
}

/** Command lines that a command gets as text: `bash -c TEXT`, `eval TEXT`, `trap TEXT`, or on its standard input. */
function scriptsInside(act: Act): string[] {
  const programs = programOf(act);
  const texts = act.words.slice(1).map(({ patterns }) => literal(patterns[0] ?? ''));
  if (programs.includes('eval')) return [texts.join(' ')];
  if (programs.includes('trap')) return texts.slice(0, 1);
  if (!programs.some((program) => SHELLS.has(program) || program === 'su' || program === 'script')) return [];
  const flag = texts.findIndex((text) => /^-[a-zA-Z]*c$/.test(text));
  if (flag >= 0) return texts.slice(flag + 1, flag + 2);
  const reads = texts.every((text) => text.startsWith('-') || text === '/dev/stdin');
  return act.input !== null && reads ? [act.input] : [];
}

/** Marks what a quote protected. */
function protect(text: string): string {
  return text.replaceAll(/[\\*?[\]{},~]/g, '\\$&');
}

function expandTilde(pattern: string, home: string): string {
  if (pattern === '~' || pattern.startsWith('~/')) return protect(normalise(home)) + pattern.slice(1);
  return pattern;
}
