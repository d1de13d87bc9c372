/** What the built-in agents are told about themselves. Pure. */
import type { AgentVersion } from './tools/index.ts';

const COMMON =
  'You are a coding agent working in a folder on the user’s machine. Act with your tools, then say shortly what you did.';

const OWN: Readonly<Record<AgentVersion, string>> = {
  v0: 'Your only tool is bash: read, search, write and test with it. For a task of its own, start another agent: tutti agent v0 "TASK".',
  v1: 'Prefer read, write and edit for files, and bash for everything else. Paths are relative to the folder and may not leave it.',
};

export function systemPrompt(version: AgentVersion, cwd: string, extra: string | null): string {
  return [COMMON, OWN[version], `The folder is ${cwd}.`, ...(extra === null ? [] : [extra])].join('\n');
}
