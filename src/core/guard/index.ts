/**
 * `guard/` judges tool calls before they run: the two built-in rules, then the compiled rules in order, then the permission mode.
 * Pure, and bundled alone (guard.cjs) for the pane host. It stops honest programs and honest mistakes; a hostile program of the
 * same user needs a sandbox.
 */
import { ruleFits, ruleMentioned } from './compiled.ts';
import { actApproves, callApproves, mentionsApproval } from './no-self-approve.ts';
import { actTouchesHome, callTouchesHome, mentionsHome } from './no-tutti-home.ts';
import { byMode } from './policy.ts';
import { type Act, actsOf } from './shell/acts.ts';
import { ShellSyntaxError } from './shell/parse.ts';
import type { GuardCall, GuardContext, GuardVerdict } from './types.ts';

export type { GuardCall, GuardContext, GuardVerdict } from './types.ts';

/** Throws only on a malformed rule; whoever calls it takes an exception for a deny. */
export function judge(call: GuardCall, context: GuardContext): GuardVerdict {
  const acts = commandsOf(call, context);
  const builtIn = acts === null ? unreadable(call, context) : readable(call, acts, context);
  return builtIn ?? byRules(call, acts, context) ?? (acts === null ? unclear(context) : byMode(call, context));
}

/** What a shell command would run; [] for other tools; null where it cannot be understood. */
function commandsOf(call: GuardCall, context: GuardContext): Act[] | null {
  const { cwd, home, tuttiHome } = context;
  const command = call.args['command'] ?? call.args['cmd'] ?? call.args['script'];
  if (call.tool !== 'bash') return [];
  const line = Array.isArray(command) ? command.map(quoted).join(' ') : command;
  if (typeof line !== 'string') return null;
  const stateHome = tuttiHome.endsWith('/tutti') ? { XDG_STATE_HOME: tuttiHome.slice(0, -'/tutti'.length) } : {};
  const variables = { HOME: home, TUTTI_HOME: tuttiHome, ...stateHome };
  try {
    return actsOf(line, { cwd, home, variables });
  } catch (error) {
    if (error instanceof ShellSyntaxError) return null;
    throw error;
  }
}

/** An argument list as a command line: each word stays one word, and `bash -c TEXT` is read as such. */
function quoted(word: unknown): string {
  return `'${String(word).replaceAll("'", "'\\''")}'`;
}

function readable(call: GuardCall, acts: Act[], context: GuardContext): GuardVerdict | null {
  const touches =
    call.tool === 'bash' ? first(acts, (act) => actTouchesHome(act, context)) : callTouchesHome(call, context);
  if (touches !== null) return { verdict: 'deny', rule: 'no-tutti-home', why: `Refused by no-tutti-home: ${touches}.` };
  const approves = callApproves(call, context) ?? first(acts, (act) => actApproves(act, context));
  if (approves !== null)
    return { verdict: 'deny', rule: 'no-self-approve', why: `Refused by no-self-approve: ${approves}.` };
  return null;
}

function first(acts: Act[], why: (act: Act) => string | null): string | null {
  for (const act of acts) {
    const found = why(act);
    if (found !== null) return found;
  }
  return null;
}

/** A command that cannot be read is held by the built-in rules where its text names what they protect. */
function unreadable(call: GuardCall, context: GuardContext): GuardVerdict | null {
  const text = JSON.stringify(call.args);
  const why = 'the command cannot be read, and its text names what an agent may not touch';
  if (mentionsApproval(text))
    return { verdict: 'deny', rule: 'no-self-approve', why: `Refused by no-self-approve: ${why}.` };
  if (mentionsHome(text, context))
    return { verdict: 'deny', rule: 'no-tutti-home', why: `Refused by no-tutti-home: ${why}.` };
  return null;
}

function unclear(context: GuardContext): GuardVerdict {
  const why = 'the command cannot be read by the guard';
  return { verdict: context.permissions === 'bypass' ? 'allow' : 'ask', rule: null, why };
}

/** The first compiled rule that fits; under bypass only those that deny. */
function byRules(call: GuardCall, acts: Act[] | null, context: GuardContext): GuardVerdict | null {
  for (const rule of context.rules) {
    if (context.permissions === 'bypass' && rule.verdict !== 'deny') continue;
    const fits =
      acts === null
        ? ruleMentioned(rule, JSON.stringify(call.args)) ||
          (rule.match.kind === 'tool' && ruleFits(rule, call, [], context))
        : ruleFits(rule, call, acts, context);
    if (fits) return { verdict: rule.verdict, rule: rule.id, why: rule.why };
  }
  return null;
}
