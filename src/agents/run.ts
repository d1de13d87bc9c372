/** The two ways to run a built-in agent as a process: once with a prompt, or persistently behind the driver. */
import type { Readable, Writable } from 'node:stream';
import { AGENT_EXIT } from '../drivers/builtin/exit.ts';
import { type LineItem, lineSplitter } from '../drivers/lines.ts';
import type { AgentOutput } from '../drivers/builtin/wire.ts';
import { clock } from '../system/clock.ts';
import { type Agent, type AgentOptions, createAgent, NoConversation } from './index.ts';
import { agentInput } from './wire-schema.ts';

const OK = 0;
/** The turn did not end well. */
const FAILED = 1;

export interface AgentIo {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  /** Aborted when the process is told to end: the running turn is ended, with its command. */
  signal: AbortSignal;
}

/** Runs one prompt to its end; JSONL on stdout. Returns the exit code: 0 when the turn ended well. */
export async function runOnce(options: AgentOptions, prompt: string, io: Omit<AgentIo, 'stdin'>): Promise<number> {
  const agent = open(options, io);
  if (agent === null) return AGENT_EXIT.noConversation;
  stopOn(io, agent);
  agent.session.message(clock.uuid(), prompt);
  const outcome = await agent.session.turn;
  agent.close();
  return outcome === 'ok' ? OK : FAILED;
}

/**
 * Runs until its stdin ends: messages, interrupts and verdicts in, JSONL out. At the end of stdin a supervised agent (`gate`) ends its
 * turn, since nobody is left to judge it; any other finishes the turn first. Returns the exit code.
 */
export async function runStdio(options: AgentOptions, io: AgentIo): Promise<number> {
  const agent = open(options, io);
  if (agent === null) return AGENT_EXIT.noConversation;
  const emit = writerTo(io.stdout);
  emit({ type: 'ready', conversationId: agent.conversationId, resumed: agent.resumed });
  const stopped = stopOn(io, agent);
  await Promise.race([readLines(io.stdin, (item) => take(agent, item, emit)), stopped]);
  io.stdin.destroy();
  agent.gate?.close('nobody is left to judge the call');
  if (options.gate || io.signal.aborted) await agent.session.interrupt();
  else await agent.session.turn;
  agent.close();
  return OK;
}

function open(options: AgentOptions, io: Pick<AgentIo, 'stdout' | 'stderr'>): Agent | null {
  try {
    return createAgent(options, writerTo(io.stdout));
  } catch (error) {
    if (!(error instanceof NoConversation)) throw error;
    io.stderr.write(`${error.message}\n`);
    return null;
  }
}

const writerTo =
  (stdout: Writable) =>
  (line: AgentOutput): void => {
    if (!stdout.destroyed) stdout.write(`${JSON.stringify(line)}\n`);
  };

/** Resolves when the turn was ended because the process was told to end, or because nobody reads its output any more. */
function stopOn(io: Pick<AgentIo, 'stdout' | 'signal'>, agent: Agent): Promise<void> {
  return new Promise((done) => {
    const stop = () => {
      agent.session.interrupt().then(done, done);
    };
    io.signal.addEventListener('abort', stop, { once: true });
    io.stdout.on('error', stop);
    if (io.signal.aborted) stop();
  });
}

/** Resolves at the end of the stream, or when it breaks. */
function readLines(stdin: Readable, take: (item: LineItem) => void): Promise<void> {
  const splitter = lineSplitter(take);
  return new Promise((done) => {
    stdin.on('data', (chunk: Buffer) => splitter.push(chunk));
    stdin.once('end', () => {
      splitter.end();
      done();
    });
    stdin.once('error', () => done());
    stdin.once('close', () => done());
  });
}

function take(agent: Agent, item: LineItem, emit: (line: AgentOutput) => void): void {
  if (item.kind === 'line' && item.text.trim() === '') return;
  const input = item.kind === 'line' ? agentInput.safeParse(parsed(item.text)) : null;
  if (input === null || !input.success) {
    agent.gate?.malformed();
    const why = input === null ? 'longer than a line may be' : (input.error.issues[0]?.message ?? 'not understood');
    emit({ type: 'error', code: 'protocol', message: `a line of input was ignored: ${why}`, retryable: false });
    return;
  }
  const line = input.data;
  if (line.type === 'user') agent.session.message(line.id, line.text);
  else if (line.type === 'interrupt') void agent.session.interrupt();
  else agent.gate?.verdict(line.key, line);
}

/** undefined when it is not JSON: the schema refuses that too. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
