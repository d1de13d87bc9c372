/** What the permission mode says about a call that no rule decided (contract.md §8 "permissions"). Pure. */
import type { ToolName } from '../event.ts';
import { inside, pathsOf } from './paths.ts';
import type { GuardCall, GuardContext, GuardVerdict } from './types.ts';

/** How `auto` treats each kind of tool: only inside the agent's folder, always, or never without asking. */
const AUTO = {
  read: 'inside',
  search: 'inside',
  write: 'inside',
  edit: 'inside',
  bash: 'allow',
  // Its own list in the conversation: nothing outside changes.
  todo: 'allow',
  web: 'ask',
  task: 'ask',
  mcp: 'ask',
  other: 'ask',
} as const satisfies Record<ToolName, 'inside' | 'allow' | 'ask'>;

/** Verdict of the mode alone. */
export function byMode(call: GuardCall, context: GuardContext): GuardVerdict {
  if (context.permissions === 'bypass') return { verdict: 'allow', rule: null, why: 'permissions: bypass' };
  if (context.permissions === 'ask') return { verdict: 'ask', rule: null, why: 'permissions: ask' };
  const way = AUTO[call.tool];
  if (way === 'allow') return { verdict: 'allow', rule: null, why: 'permissions: auto' };
  if (way === 'ask') return { verdict: 'ask', rule: null, why: `permissions: auto asks before ${call.nativeTool}` };
  const outside = pathsOf(call, context).find((path) => !inside(context.cwd, path));
  if (outside === undefined) return { verdict: 'allow', rule: null, why: 'permissions: auto, inside its folder' };
  return { verdict: 'ask', rule: null, why: `permissions: auto, but ${outside} is outside its folder` };
}
