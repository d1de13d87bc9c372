/**
 * `no-self-approve`: an agent must not answer its own permission requests, change its rules, or command agents that are not below
 * it; neither with the `tutti` command, nor over the API, nor through the tmux server that the panes live in. Pure.
 */
import { type Act, literal } from './shell/acts.ts';
import type { GuardCall, GuardContext } from './types.ts';

/** Verbs that no agent may use. `attach` opens a pane, where a key answers. */
const NEVER = new Set(['approve', 'deny', 'answer', 'rules', 'config', 'down', 'take', 'attach', 'service']);
/** Verbs that command the agents named behind them. */
const ON_AGENTS = new Set(['send', 'interrupt', 'pause', 'resume', 'restart', 'stop', 'rm', 'give']);
/** Options of `tutti` that take a value. */
const WITH_VALUE = new Set(['--home', '--project', '--timeout', '--for', '--reason']);
/** Programs that speak HTTP or sockets. */
const NETWORK = /^(curl|wget|http|https|xh|nc|ncat|socat|websocat|wscat)$/;
/** Runs a script whose name is its first argument that is no option. */
const SCRIPT_RUNNERS = /^(node|bun|deno|tsx|npx|bunx|pnpx|npm|pnpm|yarn)$/;

type Who = Pick<GuardContext, 'below'>;

/** Why a command is held; null = it is not. */
export function actApproves(act: Act, who: Who): string | null {
  const words = act.words.map(({ patterns }) => patterns.map(literal));
  const first = (words[0] ?? []).map(baseName);
  if (first.includes('tutti')) return verbHeld(words.slice(1), who);
  if (first.some((name) => SCRIPT_RUNNERS.test(name))) {
    const script = words.findIndex(
      (texts, at) => at > 0 && texts.some((text) => /^(tutti(\.[cm]?js)?|main\.js|tutti@.*)$/.test(baseName(text))),
    );
    if (script > 0) return verbHeld(words.slice(script + 1), who);
  }
  if (first.includes('tmux')) return tmuxHeld(words.flat());
  if (first.some((name) => NETWORK.test(name))) return requestHeld([...words.flat(), act.input ?? ''], who);
  if (
    act.words[0]?.dynamic &&
    words
      .slice(1)
      .flat()
      .some((text) => NEVER.has(text) && text !== 'config')
  ) {
    return 'a program that is only known when it runs is given a verb that answers requests';
  }
  return null;
}

/** Why another tool's call is held: one that fetches from the supervisor's API. */
export function callApproves(call: GuardCall, who: Who): string | null {
  if (call.tool !== 'web') return null;
  const url = call.args['url'];
  return typeof url === 'string' ? requestHeld([url], who) : null;
}

/** For a command that cannot be understood: does its text look like one? */
export function mentionsApproval(text: string): boolean {
  return (
    /\btutti\b[\s\S]*\b(approve|deny|answer|rules|config|down|take)\b/.test(text) ||
    /\/api\/(requests|rules|config|down)/.test(text)
  );
}

function baseName(text: string): string {
  return text.replace(/^.*\//, '');
}

/** `words` are what stands behind `tutti`; each may have several values. */
function verbHeld(words: string[][], { below }: Who): string | null {
  const plain: string[][] = [];
  let all = false;
  for (let at = 0; at < words.length; at++) {
    const texts = words[at] ?? [];
    if (texts.some((text) => text === '--all')) all = true;
    if (texts.some((text) => WITH_VALUE.has(text))) at += 1;
    else if (!texts.every((text) => text.startsWith('-'))) plain.push(texts);
  }
  const verbs = plain[0] ?? [];
  const never = verbs.find((verb) => NEVER.has(verb));
  if (never) return `an agent may not use tutti ${never}`;
  if (verbs.includes('supervisor') && (plain[1] ?? []).some((text) => text === 'stop' || text === 'restart')) {
    return 'an agent may not stop the supervisor';
  }
  const commands = verbs.find((verb) => ON_AGENTS.has(verb));
  if (!commands) return null;
  if (all) return `an agent may not use tutti ${commands} --all`;
  // send NAME TEXT: only the first is a name.
  const names = commands === 'send' ? plain.slice(1, 2) : plain.slice(1);
  const foreign = names.flat().find((name) => !below.includes(name));
  return foreign === undefined ? null : `${foreign} is not below this agent`;
}

/** Keys sent to a pane of tutti's server answer requests as a person would. */
function tmuxHeld(words: string[]): string | null {
  const ours = words.some((word, at) =>
    /^-L./.test(word) ? /^-Ltutti/.test(word) : word === '-L' && /^tutti/.test(words[at + 1] ?? ''),
  );
  const bySocket = words.some((word) => /\/tutti[^/]*$/.test(word));
  return ours || bySocket ? "the tmux server of tutti is the user's" : null;
}

const LOOPBACK = /(^|[/@\s"'])(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|\[::\])(?=[:/]|$)/i;
const NEVER_ROUTES = /\/api\/(requests|rules|config|apply|down)\b|\/mcp\b|\/ws\b/;
const AGENT_ROUTE = /\/api\/agents\/([^/\s"'?]+)(?:\/(message|interrupt|pause|resume|restart|stop|take|give))?/;

function requestHeld(texts: string[], { below }: Who): string | null {
  if (texts.some((text) => /supervisor\.sock|run\/hosts\/[^/]*\.sock/.test(text)))
    return "the sockets of tutti are the user's";
  for (const text of texts) {
    if (!LOOPBACK.test(text)) continue;
    if (NEVER_ROUTES.test(text)) return 'an agent may not answer requests or change rules over the API';
    const [, agent, verb] = AGENT_ROUTE.exec(text) ?? [];
    const changes = verb !== undefined || texts.some((word) => /^(-X)?DELETE$/i.test(word));
    if (agent && changes && !below.includes(agent)) return `${agent} is not below this agent`;
  }
  return null;
}
