/** What the guard judges, and with what knowledge. Types only. */
import type { JsonObject, ToolName } from '../event.ts';
import type { CompiledRule } from '../host-wire.ts';

export interface GuardCall {
  tool: ToolName;
  /** The CLI's own name of the tool. */
  nativeTool: string;
  /** Common names (`command`, `path`, `query`, `url`) where the driver knows them. */
  args: JsonObject;
}

export interface GuardContext {
  /** Where the agent works: absolute. */
  cwd: string;
  /** The user's home folder: absolute. */
  home: string;
  /** Absolute, as its environment names it; `aliases` holds its real path and the folder of sockets in /tmp, where they differ. */
  tuttiHome: string;
  aliases?: string[];
  permissions: 'ask' | 'auto' | 'bypass';
  /** Compiled rules beyond the built-in ones, in order. */
  rules: CompiledRule[];
  /** Names of the agents below this one. */
  below: string[];
  /** The agent's own name. */
  self: string;
}

export interface GuardVerdict {
  verdict: 'allow' | 'ask' | 'deny';
  /** Id of the rule that decided; null = the permission mode did. */
  rule: string | null;
  why: string;
}
