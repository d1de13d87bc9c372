/** Compiled rules: data that the supervisor sends, judged by the matchers here. Pure. An unknown matcher is an error: it denies. */
import type { CompiledRule } from '../host-wire.ts';
import type { Json } from '../event.ts';
import { actApproves, callApproves } from './no-self-approve.ts';
import { actTouchesHome, callTouchesHome } from './no-tutti-home.ts';
import { type Act, literal, programOf } from './shell/acts.ts';
import type { GuardCall, GuardContext } from './types.ts';

/** Does a rule fit this call? `allow` rules have to fit every command of it, the others only one. */
export function ruleFits(rule: CompiledRule, call: GuardCall, acts: Act[], context: GuardContext): boolean {
  switch (rule.match.kind) {
    case 'no-self-approve':
      return callApproves(call, context) !== null || acts.some((act) => actApproves(act, context) !== null);
    case 'no-tutti-home':
      return callTouchesHome(call, context) !== null || acts.some((act) => actTouchesHome(act, context) !== null);
    case 'tool': {
      const tools = texts(rule.match['tools'], rule.id);
      return tools.includes(call.tool) || tools.includes(call.nativeTool);
    }
    case 'command': {
      const program = text(rule.match['program'], rule.id);
      const words = rule.match['words'] === undefined ? [] : texts(rule.match['words'], rule.id);
      const fits = (act: Act): boolean => actFits(act, program, words);
      if (rule.verdict !== 'allow') return acts.some(fits);
      const real = acts.filter((act) => act.words.length > 0 && !act.maybe);
      return real.length > 0 && real.every(fits);
    }
    default:
      throw new Error(`rule ${rule.id} has no known matcher`);
  }
}

/** For a command that could not be read: a rule that holds commands of a program holds every text that names it. */
export function ruleMentioned(rule: CompiledRule, command: string): boolean {
  return (
    rule.match.kind === 'command' && rule.verdict !== 'allow' && command.includes(text(rule.match['program'], rule.id))
  );
}

/** The program's name, and each of the words somewhere behind it. */
function actFits(act: Act, program: string, words: string[]): boolean {
  if (!programOf(act).includes(program)) return false;
  const rest = act.words.slice(1).flatMap(({ patterns }) => patterns.map(literal));
  return words.every((word) => rest.includes(word));
}

function text(value: Json | undefined, id: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`rule ${id} is malformed`);
}

function texts(value: Json | undefined, id: string): string[] {
  if (!Array.isArray(value)) throw new Error(`rule ${id} is malformed`);
  return value.map((item) => text(item, id));
}
