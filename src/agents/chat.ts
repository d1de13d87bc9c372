/** A person's own talk with a built-in agent in a terminal: a line is a message, Ctrl-C ends the turn, Ctrl-D the talk. */
import { createInterface } from 'node:readline';
import type { AgentOutput } from '../drivers/builtin/wire.ts';
import { clock } from '../system/clock.ts';
import type { Agent } from './index.ts';

/** Of a tool's result this much is shown. Characters. */
const SHOWN = 200;

/** Terminal control characters would let a tool's output move the cursor. */
const plain = (text: string): string => text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');

const short = (text: string): string => {
  const line = plain(text).trim().split('\n')[0] ?? '';
  return line.length > SHOWN ? `${line.slice(0, SHOWN)} …` : line;
};

/** What a line of the agent looks like to a person; null = nothing. */
export function shown(line: AgentOutput): string | null {
  switch (line.type) {
    case 'session':
      return `${line.agent} on ${line.model}${line.resumed ? ', conversation resumed' : ''}. Ctrl-C ends a turn, Ctrl-D the talk.`;
    case 'thinking':
      return plain(line.content);
    case 'message':
      return line.role === 'assistant' ? plain(line.content) : null;
    case 'tool_call':
      return `  ${line.tool}  ${short(String(line.args.command ?? line.args.path ?? ''))}`;
    case 'tool_result':
      return `  ${line.isError ? '✗' : '✓'}  ${short(line.result)}`;
    case 'retry':
      return `  again in ${Math.ceil(line.delayMs / 1000)} s: ${plain(line.error)}`;
    case 'error':
      return `  ${line.code}: ${plain(line.message)}`;
    case 'refused':
      return `  not taken: ${plain(line.why)}`;
    default:
      return null;
  }
}

export interface ChatIo {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  signal: AbortSignal;
}

/** Resolves when the person ends the talk, or the process is told to end. `agent` must show its lines by {@link shown}. */
export async function chat(agent: Agent, { stdin, stdout, signal }: ChatIo): Promise<void> {
  const lines = createInterface({ input: stdin, output: stdout, prompt: '› ' });
  signal.addEventListener('abort', () => lines.close(), { once: true });
  lines.on('SIGINT', () => {
    // Ends the turn; where none runs, there is nothing to end.
    void agent.session.interrupt();
  });
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() !== '') agent.session.message(clock.uuid(), line);
    await agent.session.turn;
    lines.prompt();
  }
  await agent.session.interrupt();
}
