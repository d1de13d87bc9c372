import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordBody } from '../../../src/core/host-wire.ts';
import type { AgentState } from '../../../src/core/state.ts';
import type { Input } from '../../../src/core/step.ts';
import { createIngest } from '../../../src/supervisor/ingest.ts';
import { journalReader } from '../../../src/system/journal/reader.ts';
import { lineDriver } from '../../support/line-driver.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-ingest-'));
  mkdirSync(join(folder, 'a'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (epoch: number): string => join(folder, 'a', `${epoch}.jsonl`);

/** Writes records with numbers from `n` on. */
function write(epoch: number, n: number, bodies: RecordBody[]): void {
  const lines = bodies.map((body, i) => JSON.stringify({ v: 1, n: n + i, at: '2026-01-01T00:00:00.000Z', ...body }));
  appendFileSync(file(epoch), `${lines.join('\n')}\n`);
}
const opened = (epoch: number): RecordBody => ({
  ...{ kind: 'open', epoch, pid: 1, start: '1', protocol: 1, build: 'b', agentId: 'a' },
});
const spawned = (incarnation = 1): RecordBody => ({
  kind: 'spawn',
  ...{ incarnation, pid: 100 + incarnation, start: '7', argv: [], cli: 'tutti', conversationId: null, resumed: false },
});
const out = (line: string, incarnation = 1): RecordBody => ({ kind: 'out', incarnation, line });

type Records = Extract<Input, { type: 'records' }>;
type Damage = Extract<Input, { type: 'journal_damage' }>;

/** A supervisor's view of one agent: takes inputs in, and moves the cursor as the core does. */
function taker() {
  const agent = {
    id: 'a',
    spec: { cli: 'tutti' },
    runner: { n: 0 },
    cursor: null,
    host: { epoch: 1 },
    cli: { phase: 'ready', turn: false },
  } as unknown as AgentState;
  const inputs: (Records | Damage)[] = [];
  const state = { agent, inputs, failing: false };
  const make = () =>
    createIngest({
      journals: journalReader(folder),
      lookup: () => lineDriver,
      agent: () => agent,
      async submit(input) {
        if (state.failing) throw new Error('the loop is gone');
        if (input.type === 'records') {
          inputs.push(input);
          const last = input.records.at(-1);
          if (last) agent.cursor = { epoch: input.epoch, n: last.record.n, ...last.end };
        } else if (input.type === 'journal_damage') {
          inputs.push(input);
          agent.cursor = input.cursor;
        }
      },
      failed: () => undefined,
    });
  return { ...state, state, make };
}

const texts = (inputs: (Records | Damage)[]): string[] =>
  inputs.flatMap((input) =>
    input.type === 'records'
      ? input.records.flatMap(({ events }) =>
          events.map(
            (event) => `${event.type}:${'content' in event ? event.content : 'line' in event ? event.line : ''}`,
          ),
        )
      : ['damage'],
  );

describe('ingest', () => {
  it('takes each record in once, however often it is poked', async () => {
    const { make, inputs } = taker();
    const ingest = make();
    write(1, 1, [opened(1), spawned(), out('say one')]);
    await Promise.all([ingest.drain('a', 1), ingest.drain('a', 1), ingest.drain('a', 1)]);
    write(1, 4, [out('say two')]);
    ingest.poke('a');
    await ingest.drain('a', 1);
    expect(texts(inputs)).toEqual(['message:one', 'message:two']);
  });

  it('never reads past a torn last line', async () => {
    const { make, inputs } = taker();
    const ingest = make();
    write(1, 1, [opened(1), spawned(), out('say one')]);
    appendFileSync(file(1), '{"v":1,"n":4,"at":"2026-01-01T00:00:00.000Z","kind":"out","incarnation":1,"li');
    await ingest.drain('a', 1);
    expect(texts(inputs)).toEqual(['message:one']);
    appendFileSync(file(1), 'ne":"say two"}\n');
    await ingest.drain('a', 1);
    expect(texts(inputs)).toEqual(['message:one', 'message:two']);
  });

  it('rebuilds the decoder after a restart between any two records', async () => {
    const lines = [
      'turn',
      'hold first thought',
      'hold second thought',
      'call c1 bash',
      'result c1 done',
      'hold x',
      'end',
    ];
    const bodies = [opened(1), spawned(), ...lines.map((line) => out(line))];
    const { make: makeOnce, inputs: once } = taker();
    write(1, 1, bodies);
    await makeOnce().drain('a', 1);
    const whole = texts(once);
    expect(whole).toContain('thinking:first thought');

    for (let cut = 1; cut < bodies.length; cut++) {
      rmSync(file(1));
      const { make, inputs } = taker();
      write(1, 1, bodies.slice(0, cut));
      await make().drain('a', 1);
      write(1, cut + 1, bodies.slice(cut));
      // Another supervisor: nothing but the cursor is left of the first.
      await make().drain('a', 1);
      expect(texts(inputs), `cut after record ${cut}`).toEqual(whole);
    }
  });

  it('goes on with the next epoch, and brings out what the dead host’s decoder held', async () => {
    const { make, inputs, agent } = taker();
    const ingest = make();
    write(1, 1, [opened(1), spawned(), out('hold unsaid')]);
    await ingest.drain('a', 1);
    write(2, 1, [opened(2), spawned(2), out('say back', 2)]);
    agent.host.epoch = 2;
    await ingest.drain('a', 2);
    expect(texts(inputs)).toEqual(['thinking:unsaid', 'message:back']);
    expect(agent.cursor).toMatchObject({ epoch: 2, n: 3 });
  });

  it('reads the journals of dead hosts that no supervisor has seen, in order', async () => {
    const { make, inputs } = taker();
    write(3, 1, [opened(3), spawned(), out('say three')]);
    write(5, 1, [opened(5), spawned(2), out('say five', 2)]);
    await make().drain('a', 5);
    expect(texts(inputs)).toEqual(['message:three', 'message:five']);
  });

  it('reports a corrupt line at its place and reads on behind it', async () => {
    const { make, inputs } = taker();
    write(1, 1, [opened(1), spawned(), out('say one')]);
    appendFileSync(file(1), 'not json at all\n');
    write(1, 5, [out('say two')]);
    await make().drain('a', 1);
    expect(texts(inputs)).toEqual(['message:one', 'damage', 'message:two']);
    await make().drain('a', 1);
    expect(texts(inputs)).toHaveLength(3);
  });

  it('reports a journal that is shorter than the cursor, and takes in what comes after', async () => {
    const { make, inputs } = taker();
    write(1, 1, [opened(1), spawned(), out('say one'), out('say two')]);
    await make().drain('a', 1);
    truncateSync(file(1), 100);
    appendFileSync(file(1), '\n');
    await make().drain('a', 1);
    write(1, 5, [out('say three')]);
    await make().drain('a', 1);
    expect(texts(inputs)).toEqual(['message:one', 'message:two', 'damage', 'message:three']);
  });

  it('makes one raw event with the size of a line that came in pieces', async () => {
    const { make, inputs } = taker();
    const piece = (part: number, last?: { bytes: number; cut: boolean }): RecordBody => ({
      ...{ kind: 'piece', incarnation: 1, part, text: 'x'.repeat(10_000) },
      ...(last ? { last } : {}),
    });
    write(1, 1, [opened(1), spawned(), piece(0), piece(1), piece(2, { bytes: 30_000, cut: false })]);
    await make().drain('a', 1);
    const events = inputs.flatMap((input) => (input.type === 'records' ? input.records.flatMap((r) => r.events) : []));
    expect(events).toEqual([{ type: 'raw', line: 'x'.repeat(4096), bytes: 30_000, ref: { epoch: 1, n: 5 } }]);
  });

  it('hands on the driver’s judgement of an exit, with whether anything was ever heard', async () => {
    const { make, inputs } = taker();
    const exit: RecordBody = { kind: 'exit', incarnation: 1, code: 1, signal: null, asked: false, stderr: '' };
    write(1, 1, [opened(1), spawned(), exit, spawned(2), out('say hi', 2), { ...exit, incarnation: 2 }]);
    await make().drain('a', 1);
    const causes = inputs.flatMap((i) => (i.type === 'records' ? i.records.flatMap((r) => r.exit?.cause ?? []) : []));
    expect(causes).toEqual(['silent', 'crash']);
  });

  it('begins again at the cursor when the loop did not take a batch', async () => {
    const { make, inputs, state } = taker();
    const ingest = make();
    write(1, 1, [opened(1), spawned(), out('hold one'), out('say two')]);
    state.failing = true;
    await expect(ingest.drain('a', 1)).rejects.toThrow('the loop is gone');
    state.failing = false;
    await ingest.drain('a', 1);
    expect(texts(inputs)).toEqual(['thinking:one', 'message:two']);
  });

  it('remembers which processes the journal names, for the hunt', async () => {
    const { make } = taker();
    const ingest = make();
    write(1, 1, [opened(1), spawned(), { kind: 'tree', incarnation: 1, pids: [{ pid: 500, start: '9' }] }]);
    await ingest.drain('a', 1);
    expect(ingest.processes('a')).toEqual([
      { pid: 101, start: '7' },
      { pid: 500, start: '9' },
    ]);
  });
});
