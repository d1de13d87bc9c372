/**
 * `tutti agent VERSION [PROMPT]` as a process: its flags, its signals, its exit code.
 * Once with a prompt (JSONL on stdout), behind its driver with `--stdio`, or with a person in a terminal with `--chat`.
 */
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { AGENT_EXIT } from '../drivers/builtin/exit.ts';
import { chat, shown } from './chat.ts';
import { AGENT_VERSIONS, type AgentOptions, type AgentVersion, createAgent } from './index.ts';
import { runOnce, runStdio } from './run.ts';

export interface AgentProcessIo {
  /** Folder that the agent works in, where `--cwd` names no other. */
  cwd: string;
  /** Version of tutti. */
  version: string;
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
}

export const AGENT_USAGE = `tutti agent ${AGENT_VERSIONS.join('|')} PROMPT        one prompt, JSON lines on stdout
tutti agent ${AGENT_VERSIONS.join('|')} --chat [...]  talk in this terminal
tutti agent ${AGENT_VERSIONS.join('|')} --stdio [...] JSON lines both ways, for programs
    --record DIR                keep the conversation there    --resume ID          go on with one kept there
    --conversation ID           id of a new conversation       --model M            full name, or sonnet, opus, haiku
    --gate                      ask before every tool call     --cwd DIR            folder to work in
    --append-system-prompt T    added to the system prompt     --base-url URL       of the Messages API
    --bash-limit S              seconds for one command        --max-rounds N       requests in one turn
`;

const OPTIONS = {
  stdio: { type: 'boolean' },
  chat: { type: 'boolean' },
  gate: { type: 'boolean' },
  record: { type: 'string' },
  resume: { type: 'string' },
  conversation: { type: 'string' },
  model: { type: 'string' },
  cwd: { type: 'string' },
  'append-system-prompt': { type: 'string' },
  'base-url': { type: 'string' },
  'bash-limit': { type: 'string' },
  'max-rounds': { type: 'string' },
} as const;

type Mode = { how: 'once'; prompt: string } | { how: 'stdio' } | { how: 'chat' };

/** What is wrong with the arguments, in words for a person. */
class Usage extends Error {}

/**
 * Runs an agent until it is done.
 * @param argv what follows `tutti agent`
 * @returns the exit code: 0 ok, 1 the turn did not end well, 2 usage, 3 the conversation to resume is not there, 128+n ended by a signal
 */
export async function runAgentProcess(argv: string[], io: AgentProcessIo): Promise<number> {
  let parsed: { options: AgentOptions; mode: Mode };
  try {
    parsed = parse(argv, io);
  } catch (error) {
    // parseArgs throws TypeErrors with a code of their own for flags that it does not know.
    if (!(error instanceof Usage) && !(error instanceof TypeError && 'code' in error)) throw error;
    io.stderr.write(`${AGENT_USAGE}\n${error.message}\n`);
    return AGENT_EXIT.usage;
  }
  const signals = listenToSignals();
  try {
    const code = await run(parsed.options, parsed.mode, { ...io, signal: signals.signal });
    return signals.exitCode() ?? code;
  } finally {
    signals.release();
  }
}

async function run(options: AgentOptions, mode: Mode, io: AgentProcessIo & { signal: AbortSignal }): Promise<number> {
  if (mode.how === 'once') return runOnce(options, mode.prompt, io);
  if (mode.how === 'stdio') return runStdio(options, io);
  const agent = createAgent(options, (line) => {
    const text = shown(line);
    if (text !== null) io.stdout.write(`${text}\n`);
  });
  await chat(agent, io);
  agent.close();
  return 0;
}

function parse(argv: string[], io: AgentProcessIo): { options: AgentOptions; mode: Mode } {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true, strict: true });
  const [version, ...words] = positionals;
  const known = AGENT_VERSIONS.find((each): each is AgentVersion => each === version);
  if (known === undefined)
    throw new Usage(`no agent ${version ?? '(none named)'}; there are ${AGENT_VERSIONS.join(' and ')}`);
  const mode = modeOf(values, words.join(' '));
  const baseURL = values['base-url'];
  if (values.resume !== undefined && values.record === undefined) throw new Usage('--resume needs --record');
  return {
    mode,
    options: {
      version: known,
      model: values.model ?? null,
      cwd: resolve(io.cwd, values.cwd ?? '.'),
      ...(baseURL === undefined ? {} : { baseURL }),
      record: values.record === undefined ? null : resolve(io.cwd, values.record),
      resume: values.resume ?? null,
      conversationId: values.conversation ?? null,
      gate: values.gate === true && mode.how === 'stdio',
      systemPrompt: values['append-system-prompt'] ?? null,
      cliVersion: io.version,
      bashLimitMs: positive('--bash-limit', values['bash-limit'], 1000),
      maxRounds: positive('--max-rounds', values['max-rounds'], 1),
    },
  };
}

function modeOf(values: { stdio?: boolean | undefined; chat?: boolean | undefined }, prompt: string): Mode {
  if (values.stdio === true && values.chat === true) throw new Usage('--stdio or --chat, not both');
  const how = values.stdio === true ? 'stdio' : values.chat === true ? 'chat' : null;
  if (how !== null && prompt !== '') throw new Usage(`--${how} takes no prompt`);
  if (how !== null) return { how };
  if (prompt.trim() === '') throw new Usage('a prompt is missing');
  return { how: 'once', prompt };
}

function positive(flag: string, text: string | undefined, unit: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Usage(`${flag} takes a number above 0, not ${text}`);
  return Math.ceil(value * unit);
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** The first signal ends the running turn with its command; the process ends when that is done. */
function listenToSignals(): { signal: AbortSignal; exitCode(): number | null; release(): void } {
  const stop = new AbortController();
  let got: keyof typeof SIGNALS | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    got ??= signal as keyof typeof SIGNALS;
    stop.abort();
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  return {
    signal: stop.signal,
    exitCode: () => (got === null ? null : 128 + SIGNALS[got]),
    release: () => {
      for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
    },
  };
}
