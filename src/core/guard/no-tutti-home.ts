/**
 * `no-tutti-home`: the record of what agents did, their launch environments and the supervisor's sockets are not for agents.
 * The agents' own worktrees lie in the home too, and are no part of this. Pure.
 */
import type { Json } from '../event.ts';
import { expandBraces, relation } from './glob.ts';
import { absolute } from './paths.ts';
import { type Act, type Arg, literal, programOf } from './shell/acts.ts';
import type { GuardCall, GuardContext } from './types.ts';

/** Folder in the home that agents work in. */
const WORKTREES = 'worktrees';
/** A longer text among a tool's arguments is content, no path. Characters. */
const PATH_LIMIT = 4_096;

/** Programs that take whole trees, given a folder above the home; with the flag that makes them, where one is needed. */
const WHOLE_TREES: Readonly<Record<string, RegExp | null>> = {
  rm: /^-[a-zA-Z]*[rR]|^--recursive/,
  cp: /^-[a-zA-Z]*[rRa]|^--(recursive|archive)/,
  chmod: /^-[a-zA-Z]*R|^--recursive/,
  chown: /^-[a-zA-Z]*R|^--recursive/,
  grep: /^-[a-zA-Z]*[rR]|^--(dereference-)?recursive/,
  egrep: /^-[a-zA-Z]*[rR]|^--(dereference-)?recursive/,
  fgrep: /^-[a-zA-Z]*[rR]|^--(dereference-)?recursive/,
  zgrep: /^-[a-zA-Z]*[rR]/,
  find: /^-(exec|execdir|ok|okdir|delete|fprintf?|fls)$/,
  rg: null,
  ag: null,
  ack: null,
  tar: null,
  zip: null,
  rsync: null,
  scp: null,
  mv: null,
  shred: null,
};

/** Programs whose arguments or input are programs: their text is searched for the home. */
const INTERPRETERS =
  /^(python[\d.]*|node|deno|bun|tsx|perl|ruby|php|lua|awk|gawk|sed|sqlite3|osascript|emacs|vim?|nvim|ed|ex)$/;

type Place = Pick<GuardContext, 'cwd' | 'home' | 'tuttiHome' | 'aliases'>;

/** Why a command is held; null = it is not. */
export function actTouchesHome(act: Act, context: Place): string | null {
  for (const arg of [...act.words, ...act.files]) {
    const hit = candidates(arg).find((candidate) => isHome(candidate, act.folders, context) === 'in');
    if (hit !== undefined) return `${literal(hit)} is in the home of tutti`;
  }
  const programs = programOf(act);
  if (programs.some((program) => takesTree(program, act))) {
    const above = act.words
      .slice(1)
      .flatMap(candidates)
      .find((one) => isHome(one, act.folders, context) === 'above');
    if (above !== undefined)
      return `${literal(above)} holds the home of tutti, and ${programs[0]} takes all that is in it`;
  }
  if (programs.some((program) => INTERPRETERS.test(program))) {
    const texts = [...act.words.flatMap(({ patterns }) => patterns.map(literal)), act.input ?? ''];
    if (texts.some((text) => mentionsHome(text, context))) return 'its program names the home of tutti';
  }
  return null;
}

/** Why another tool's call is held; null = it is not. */
export function callTouchesHome(call: GuardCall, context: Place): string | null {
  const found: string[] = [];
  const walk = (value: Json): void => {
    if (typeof value === 'string') {
      if (value.length <= PATH_LIMIT && !value.includes('\n')) found.push(value);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  walk(call.args);
  const hit = found.find((text) => splitText(text).some((part) => isHome(part, [context.cwd], context) === 'in'));
  return hit === undefined ? null : `${hit} is in the home of tutti`;
}

/** For a command that cannot be understood: does its text name the home? */
export function mentionsHome(text: string, { home, tuttiHome, aliases = [] }: Place): boolean {
  const spellings = [tuttiHome, ...aliases, 'TUTTI_HOME', 'supervisor.sock'];
  for (const folder of [tuttiHome, ...aliases]) {
    if (folder.startsWith(`${home}/`)) spellings.push(folder.slice(home.length + 1));
  }
  const outside = text.replaceAll(`${tuttiHome}/${WORKTREES}/`, '');
  return spellings.some((spelling) => outside.includes(spelling));
}

function takesTree(program: string, act: Act): boolean {
  if (!Object.hasOwn(WHOLE_TREES, program)) return false;
  const flag = WHOLE_TREES[program];
  if (!flag) return true;
  return act.words.some(({ patterns }) => patterns.some((pattern) => flag.test(literal(pattern))));
}

/** Every place in a word where a path may begin. */
function candidates({ patterns }: Arg): string[] {
  return patterns.flatMap(expandBraces).flatMap(splitText);
}

function splitText(text: string): string[] {
  const out = [text];
  // --file=PATH, -d@PATH, host:PATH, unix:PATH, file://PATH
  for (const separator of ['=', '@', ':', ',']) {
    const at = text.indexOf(separator);
    if (at >= 0 && at < text.length - 1) out.push(text.slice(at + 1).replace(/^\/\/(?=\/)/, ''));
  }
  const last = Math.max(text.lastIndexOf('='), text.lastIndexOf(':'), text.lastIndexOf('@'));
  if (last > 0) out.push(text.slice(last + 1).replace(/^\/\/(?=\/)/, ''));
  // -C/PATH
  if (/^-[A-Za-z][/~.]/.test(text)) out.push(text.slice(2));
  return out;
}

function isHome(candidate: string, folders: string[], { home, tuttiHome, aliases = [] }: Place): 'in' | 'above' | null {
  let above = false;
  for (const folder of folders) {
    const path = absolute(candidate, folder, home);
    for (const [at, root] of [tuttiHome, ...aliases].entries()) {
      const where = relation(path, root);
      if (where.where === 'above') above = true;
      if (where.where === 'in' && !(at === 0 && where.rest[0] === WORKTREES)) return 'in';
    }
  }
  return above ? 'above' : null;
}
