/** The words that layer 1 goes by: short lists, English, each only ever the reason for a note or a nudge. */
import type { JsonObject } from '../event.ts';
import type { Ending } from './types.ts';

/** Of a text its end is read. Characters. */
const TAIL_CHARS = 600;
/** A text that repeats itself: read from its end, units up to this long, at least this often. */
const LOOK_CHARS = 1_200;
const UNIT_MIN = 12;
const UNIT_MAX = 200;
const UNIT_TIMES = 6;

/** How it sounds when an agent gives up. */
const SURRENDER = [
  /\bI give up\b/i,
  /\bI(?:'m| am) stuck\b/i,
  /\bI(?:'m| am| was|'ve been| have been) (?:unable|not able) to (?:complete|continue|proceed|fix|solve|finish|make)\b/i,
  /\bI (?:can(?:no|')t|could(?: not|n't)) (?:complete|continue|proceed|finish|solve|fix|do) (?:this|the|it|that|any)\b/i,
  /\b(?:beyond|outside) my (?:capabilities|abilities)\b/i,
  /\bI (?:have )?(?:exhausted|run out of) (?:all )?(?:my )?(?:options|ideas)\b/i,
];

/** Commands that wait for something that goes on elsewhere. */
const WAITING =
  /(?:^|[\s;&|(])(?:sleep|wait|watch|inotifywait|tail\s+-[fF])\b|--watch\b|\bwatch\s|\brun watch\b|--wait\b/;

/** A message that begins a sentence with one of these asks for a change of files. */
const CHANGE =
  /(?:(?:^|[.!?:\n])\s*(?:[-*\d.]+\s+)?|\bplease\s+|\band\s+)(?:fix|implement|refactor|rename|rewrite|remove|delete|create|write|edit|change|update|add)\s+(?:the|a|an|all|this|that|it|some|tests?|[\w./-]+\.\w+)\b/i;

export function waitsByWords(args: JsonObject): boolean {
  const { command } = args;
  return typeof command === 'string' && WAITING.test(command.slice(0, 2_000));
}

export const asksForChange = (text: string): boolean => CHANGE.test(text);

/** @param last the text may be the last of its turn: questions and surrenders only count there */
export function endingOf(text: string, last: boolean): Ending | null {
  if (repeatsItself(text)) return 'repetition';
  if (!last) return null;
  const tail = text.slice(-TAIL_CHARS).trim();
  if (SURRENDER.some((words) => words.test(tail))) return 'surrender';
  return /[?？]["'”’)*_`]*$/.test(tail) ? 'question' : null;
}

/** The end of the text is one unit of words over and over. */
function repeatsItself(text: string): boolean {
  if (text.length < UNIT_MIN * UNIT_TIMES) return false;
  const tail = text.slice(-LOOK_CHARS);
  const last = tail.slice(-UNIT_MIN);
  for (let unit = UNIT_MIN; unit <= UNIT_MAX && unit * UNIT_TIMES <= tail.length; unit++) {
    const at = tail.length - UNIT_MIN - unit;
    if (at < 0 || !tail.startsWith(last, at) || !periodic(tail, unit)) continue;
    // Rulers, tables and indentation repeat too; words do not by themselves.
    return (tail.slice(-unit).match(/\p{L}{2,}/gu) ?? []).length >= 2;
  }
  return false;
}

function periodic(tail: string, unit: number): boolean {
  const from = tail.length - unit * UNIT_TIMES;
  for (let i = from + unit; i < tail.length; i++) if (tail[i] !== tail[i - unit]) return false;
  return from >= 0;
}
