/** The tools of each built-in agent. */
import { bash } from './bash.ts';
import { edit, read, write } from './files.ts';
import type { Tool } from './tool.ts';

export type { Tool, ToolOutput } from './tool.ts';

/** The built-in agents that exist. */
export const AGENT_VERSIONS = ['v0', 'v1'] as const;
export type AgentVersion = (typeof AGENT_VERSIONS)[number];

export const toolsOf: Readonly<Record<AgentVersion, readonly Tool[]>> = {
  v0: [bash],
  v1: [bash, read, write, edit],
};
