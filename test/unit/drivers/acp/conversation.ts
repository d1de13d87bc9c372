/**
 * Plays a recorded conversation with a real CLI against the protocol. `> ` lines are what was written to it, `< ` what it said.
 * What the protocol writes must be the recording, byte for byte; what a person did (messages, answers, interrupts) is read from it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DriverEventBody, JsonObject } from '../../../../src/core/event.ts';
import type { Action, Driver, LaunchSpec, Protocol } from '../../../../src/drivers/driver.ts';

export const spec = (change: Partial<LaunchSpec> = {}): LaunchSpec => ({
  command: ['cli'],
  args: [],
  cwd: '/workspace',
  model: null,
  permissions: 'ask',
  conversationId: null,
  resume: false,
  incarnation: 1,
  marker: 'h/a/1',
  dir: '/d',
  systemPrompt: null,
  settings: {},
  ...change,
});

export interface Played {
  /** All actions but writes, by process. */
  actions: Action[][];
  events: DriverEventBody[][];
  /** What the protocol wrote and the recording has not, or the other way round. */
  differences: { written: string | null; recorded: string | null }[];
  raw: string[];
}

interface Rpc {
  id?: string | number;
  method?: string;
  params?: JsonObject & { sessionId?: string; prompt?: { text: string }[]; modelId?: string };
  result?: { outcome?: { outcome: string; optionId?: string } };
}

const GUARD = '\u200b';

export function play(driver: Driver, name: string): Played {
  const text = readFileSync(join(import.meta.dirname, 'recordings', `${name}.txt`), 'utf8').trimEnd();
  const lines = text
    .split('\n')
    .map((line) => ({ out: line.startsWith('<'), text: line.slice(2), rpc: JSON.parse(line.slice(2)) as Rpc }));
  const played: Played = { actions: [], events: [], differences: [], raw: [] };
  let protocol: Protocol = driver.protocol(spec());
  const writes: string[] = [];

  const take = (actions: Action[]): void => {
    for (const action of actions) {
      if (action.do !== 'write') {
        played.actions.at(-1)?.push(action);
        continue;
      }
      writes.push(action.line);
      played.events.at(-1)?.push(...protocol.line({ dir: 'in', text: action.line }).decoded.events);
    }
  };
  const begin = (index: number): void => {
    // The recording tells further down whether this process resumed, and with which model.
    const ahead = lines.slice(index + 1);
    const next = ahead.findIndex(({ rpc }) => rpc.method === 'initialize');
    const mine = next === -1 ? ahead : ahead.slice(0, next);
    const load = mine.find(({ rpc }) => rpc.method === 'session/load')?.rpc.params?.sessionId ?? null;
    const model = mine.find(({ rpc }) => rpc.method === 'session/set_model')?.rpc.params?.modelId ?? null;
    protocol = driver.protocol(spec({ conversationId: load, resume: load !== null, model }));
    played.actions.push([]);
    played.events.push([]);
    take(protocol.begin());
  };
  const cause = (rpc: Rpc, index: number): void => {
    if (rpc.method === 'initialize') begin(index);
    if (rpc.method === 'session/cancel') take(protocol.interrupt());
    if (rpc.method === 'session/prompt') {
      const given = rpc.params?.prompt?.[0]?.text ?? '';
      const message = given.startsWith(GUARD) ? given.slice(GUARD.length) : given;
      take(
        protocol.message({
          messageId: String(rpc.id).slice('prompt:'.length),
          text: message,
          now: protocol.turn,
          ordinal: 0,
        }),
      );
    }
    const option = rpc.result?.outcome?.optionId;
    if (option === undefined) return;
    const allow = /once/.test(option);
    take(
      protocol.answer(
        `permission:${JSON.stringify(rpc.id)}`,
        allow ? { decision: 'allow' } : { decision: 'deny', reason: 'no' },
      ),
    );
  };

  lines.forEach((line, index) => {
    if (line.out) {
      const { actions, decoded } = protocol.line({ dir: 'out', text: line.text });
      if (decoded.fate === 'raw') played.raw.push(line.text);
      played.events.at(-1)?.push(...decoded.events);
      take(actions);
      return;
    }
    if (writes.length === 0) cause(line.rpc, index);
    const written = writes.shift() ?? null;
    if (written !== line.text) played.differences.push({ written, recorded: line.text });
  });
  for (const written of writes) played.differences.push({ written, recorded: null });
  return played;
}
