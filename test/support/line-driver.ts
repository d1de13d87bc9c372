/**
 * A driver for tests whose protocol is plain words, so that a test can say what a CLI does line by line:
 *
 *     turn            a turn begins            end [outcome]   it ends
 *     say TEXT        the assistant's message  hold TEXT       text that comes out with the next line, or at the end
 *     call ID TOOL    a tool call              result ID TEXT  its result
 *     cost USD        usage with that cost     anything else   raw
 */
import type { DriverEventBody, ToolName, TurnOutcome } from '../../src/core/event.ts';
import type { Decoded, Decoder, Driver, ExitVerdict, Line } from '../../src/drivers/driver.ts';

type Handler = (rest: string) => DriverEventBody[];

const usage = (costUsd: number): DriverEventBody => ({
  type: 'usage',
  input: 1,
  output: 1,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd,
  contextUsed: null,
  contextLimit: null,
  model: null,
  estimated: false,
});

const message = (content: string): DriverEventBody => ({
  type: 'message',
  role: 'assistant',
  content,
  from: null,
  messageId: null,
});

const word = (rest: string): [string, string] => {
  const [first = ''] = rest.split(' ', 1);
  return [first, rest.slice(first.length + 1)];
};

const HANDLERS: Record<string, Handler> = {
  turn: () => [{ type: 'turn', number: null, phase: 'start', outcome: null, durationMs: null }],
  end: (rest) => [
    { type: 'turn', number: null, phase: 'end', outcome: (rest || 'ok') as TurnOutcome, durationMs: null },
  ],
  say: (rest) => [message(rest)],
  call(rest) {
    const [callId, tool] = word(rest);
    return [{ type: 'tool_call', callId, tool: tool as ToolName, args: { command: 'true' }, nativeTool: tool }];
  },
  result(rest) {
    const [callId, result] = word(rest);
    return [{ type: 'tool_result', callId, tool: 'bash', result, isError: false, tokens: null, durationMs: null }];
  },
  cost: (rest) => [usage(Number(rest))],
};

function decoder(): Decoder {
  let held: string[] = [];
  const release = (): DriverEventBody[] =>
    held.splice(0).map((content) => ({ type: 'thinking', content, tokens: null }));
  return {
    get atRest() {
      return held.length === 0;
    },
    push({ dir, text }: Line): Decoded {
      if (dir !== 'out') return { events: [], fate: 'empty', kind: dir };
      const [kind, rest] = word(text);
      if (kind === 'hold') {
        held = [...held, rest];
        return { events: [], fate: 'decoded', kind };
      }
      const handler = HANDLERS[kind];
      if (handler) return { events: [...release(), ...handler(rest)], fate: 'decoded', kind };
      return { events: [...release(), { type: 'raw', line: text }], fate: 'raw', kind: 'raw' };
    },
    end: release,
  };
}

function unused(): never {
  throw new Error('the supervisor never runs a protocol');
}

export const lineDriver: Driver = {
  id: 'tutti',
  program: 'words',
  versionArgs: ['--version'],
  minVersion: '0.0.0',
  capabilities: { persistent: true, steer: true, gate: 'all', resume: 'own', confirm: 'idempotent' },
  launch: unused,
  decoder,
  protocol: unused,
  takeOver: unused,
  classifyExit({ code, signal, asked, silent }): ExitVerdict {
    const cause = asked ? 'asked' : signal ? 'signal' : code === 0 ? 'clean' : silent ? 'silent' : 'crash';
    const message = `it ended with ${signal ?? code}`;
    return { cause, code: null, message, hint: null, retryable: true, conversationLost: false };
  },
};
