/** What the shell parser makes of a command line. Types only. */

export type Part =
  /** Text as it stands; `quoted` text has no globs, tildes and braces in it. */
  | { kind: 'text'; text: string; quoted: boolean }
  /** `$NAME`, or `${NAME:-fallback}`. */
  | { kind: 'variable'; name: string; fallback: Word | null }
  /** `$(…)`, backticks, `<(…)`. */
  | { kind: 'script'; script: Script; process: boolean };

export interface Word {
  parts: Part[];
}

export interface Redirect {
  /** `<`, `>`, `>>`, `<>`, `>|`, `<<<`, `<<`. */
  op: string;
  target: Word;
}

export interface Simple {
  kind: 'simple';
  assigns: { name: string; value: Word }[];
  words: Word[];
  redirects: Redirect[];
}

export interface Group {
  kind: 'group';
  /** Round brackets: its `cd` does not count outside. */
  subshell: boolean;
  body: Script;
  redirects: Redirect[];
}

export interface Pipe {
  kind: 'pipe';
  stages: Node[];
}

export type Node = Simple | Group | Pipe;
export type Script = Node[];
