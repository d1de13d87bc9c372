import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { AgentOptions } from '../../../src/agents/index.ts';
import { waitFor } from '../../support/wait.ts';
import { type Bench, bench, type Live, live } from './support.ts';

let it: Bench;
let run: Live;
afterEach(async () => {
  await run.finish();
  await it.close();
});

const start = async (options: Partial<AgentOptions> = {}) => {
  it = await bench(options);
  run = live(it.options);
};
const again = async (options: Partial<AgentOptions> = {}) => {
  const ready = run.lines.of('ready')[0];
  await run.finish();
  run = live({ ...it.options, resume: ready?.conversationId ?? null, ...options });
};
const record = () => readFileSync(join(it.dir, 'record.jsonl'), 'utf8');
const userLines = () =>
  record()
    .split('\n')
    .filter((line) => line.includes('"type":"user"'));

describe('messages', () => {
  test('a message is accepted only when it is in the record', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    await run.line('accepted', (line) => line.type === 'accepted');
    expect(userLines()).toHaveLength(1);
    await run.ends(1);
    expect(run.lines.of('message').map(({ content }) => content)).toEqual(['hello', 'ack hello']);
  });

  test('the same message again is accepted as a repeat and not run again', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    await run.ends(1);
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    await run.line('repeat', (line) => line.type === 'accepted' && line.repeat);
    expect(it.model.requests()).toHaveLength(1);
    expect(userLines()).toHaveLength(1);
  });

  test('also after a restart', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    await run.ends(1);
    await again();
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    run.send({ type: 'user', id: 'm2', text: 'more' });
    await run.ends(1);
    expect(run.lines.of('accepted')).toEqual([
      { type: 'accepted', id: 'm1', repeat: true },
      { type: 'accepted', id: 'm2', repeat: false },
    ]);
    expect(it.model.messages('agent').map(({ text }) => text)).toEqual(['hello', 'ack hello', 'more']);
  });

  test('a message in mid-turn goes in behind the results of the running call, in the same turn', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: '[[scenario:tool cmd="until [ -e go ]; do sleep 0.01; done"]] first' });
    await run.line('the call', (line) => line.type === 'tool_call');
    run.send({ type: 'user', id: 'm2', text: 'second' });
    await run.line('accepted', (line) => line.type === 'accepted' && line.id === 'm2');
    appendFileSync(join(it.cwd, 'go'), '');
    await run.ends(1);
    expect(it.model.messages('agent').map(({ role }) => role)).toEqual(['user', 'assistant', 'call', 'result', 'user']);
    expect(run.lines.of('turn').filter((line) => line.phase === 'end')).toHaveLength(1);
  });

  test('turns are counted on over restarts', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: 'one' });
    await run.ends(1);
    await again();
    run.send({ type: 'user', id: 'm2', text: 'two' });
    expect((await run.ends(1))[0]).toMatchObject({ number: 2 });
  });
});

describe('interrupt', () => {
  test('ends the running command with what it started, and the process takes the next message', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: '[[scenario:tool cmd="sleep 300 & echo $! > pid; echo x > up; wait"]]' });
    await waitFor('the command runs', () => existsSync(join(it.cwd, 'up')));
    run.send({ type: 'interrupt' });
    expect((await run.ends(1))[0]).toMatchObject({ outcome: 'interrupted' });
    const pid = Number(readFileSync(join(it.cwd, 'pid'), 'utf8'));
    await waitFor(
      'its child is gone',
      () => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' Z '),
    );
    expect(run.lines.of('tool_result')[0]).toMatchObject({
      isError: true,
      result: expect.stringContaining('Interrupted'),
    });
    run.send({ type: 'user', id: 'm2', text: 'still there?' });
    expect((await run.ends(2))[1]).toMatchObject({ outcome: 'ok' });
  });

  test('ends a request that hangs', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: '[[scenario:hang]]' });
    await waitFor('the request is there', () => it.model.requests().length === 1);
    run.send({ type: 'interrupt' });
    expect((await run.ends(1))[0]).toMatchObject({ outcome: 'interrupted' });
  });

  test('ends a slow answer; the half of it is not in the conversation', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: '[[scenario:slow tokens=5000 ms=5]]' });
    await run.line('a word', (line) => line.type === 'delta');
    run.send({ type: 'interrupt' });
    await run.ends(1);
    run.send({ type: 'user', id: 'm2', text: '[[scenario:text]] next' });
    await run.ends(2);
    expect(it.model.messages('agent').map(({ role }) => role)).toEqual(['user', 'user']);
  });

  test('without a turn it does nothing', async () => {
    await start();
    run.send({ type: 'interrupt' });
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    expect((await run.ends(1))[0]).toMatchObject({ outcome: 'ok' });
  });
});

describe('the gate', () => {
  const ask = async () => {
    const line = await run.line('the ask', (each) => each.type === 'ask');
    if (line.type !== 'ask') throw new Error('no ask');
    return line;
  };
  const result = async () => {
    const line = await run.line('the result', (each) => each.type === 'tool_result');
    if (line.type !== 'tool_result') throw new Error('no result');
    return line;
  };
  const call = { type: 'user', id: 'm1', text: '[[scenario:tool cmd="echo ran > ran.txt; echo ran"]]' } as const;

  test('a call waits for its verdict, and runs when allowed', async () => {
    await start({ gate: true });
    run.send(call);
    const { key, callId, tool } = await ask();
    expect({ callId, tool }).toEqual({ callId: run.lines.of('tool_call')[0]?.id, tool: 'bash' });
    expect(existsSync(join(it.cwd, 'ran.txt'))).toBe(false);
    run.send({ type: 'verdict', key, decision: 'allow' });
    expect(await result()).toMatchObject({ result: 'ran', isError: false });
  });

  test('an allowed call runs with the arguments of the verdict', async () => {
    await start({ gate: true });
    run.send(call);
    const { key } = await ask();
    run.send({ type: 'verdict', key, decision: 'allow', args: { command: 'echo other' } });
    expect(await result()).toMatchObject({ result: 'other' });
  });

  test('a refused call is not run, and the model hears why', async () => {
    await start({ gate: true });
    run.send(call);
    const { key } = await ask();
    run.send({ type: 'verdict', key, decision: 'deny', reason: 'not today' });
    expect(await result()).toMatchObject({ result: 'Refused: not today', isError: true });
    await run.ends(1);
    expect(existsSync(join(it.cwd, 'ran.txt'))).toBe(false);
  });

  const malformed = [
    { id: 'an unknown decision', line: (key: string) => JSON.stringify({ type: 'verdict', key, decision: 'ask' }) },
    { id: 'no decision', line: (key: string) => JSON.stringify({ type: 'verdict', key }) },
    {
      id: 'arguments that are no object',
      line: (key: string) => JSON.stringify({ type: 'verdict', key, decision: 'allow', args: 1 }),
    },
    { id: 'half a line of JSON', line: (key: string) => `{"type":"verdict","key":"${key}","decision":"allow"` },
    { id: 'a line of rubbish', line: () => '\0\uFFFDrubbish' },
  ];
  test.each(malformed)('a malformed verdict refuses: $id', async ({ line }) => {
    await start({ gate: true });
    run.send(call);
    const { key } = await ask();
    run.raw(`${line(key)}\n`);
    expect(await result()).toMatchObject({ isError: true, result: expect.stringContaining('Refused') });
    expect(existsSync(join(it.cwd, 'ran.txt'))).toBe(false);
    expect(run.lines.of('error')[0]).toMatchObject({ code: 'protocol' });
  });

  test('an interrupt withdraws the question', async () => {
    await start({ gate: true });
    run.send(call);
    const { key } = await ask();
    run.send({ type: 'interrupt' });
    await run.ends(1);
    expect(run.lines.of('withdrawn')).toEqual([{ type: 'withdrawn', key }]);
    run.send({ type: 'verdict', key, decision: 'allow' });
    run.send({ type: 'user', id: 'm2', text: '[[scenario:text]]' });
    await run.ends(2);
    expect(existsSync(join(it.cwd, 'ran.txt'))).toBe(false);
  });

  test('the end of stdin refuses what waits', async () => {
    await start({ gate: true });
    run.send(call);
    await ask();
    expect(await run.finish()).toBe(0);
    expect(existsSync(join(it.cwd, 'ran.txt'))).toBe(false);
  });
});

describe('the process', () => {
  test('without a gate, the end of stdin lets the turn finish', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: 'hello' });
    expect(await run.finish()).toBe(0);
    expect(run.lines.of('message').at(-1)).toMatchObject({ content: 'ack hello' });
  });

  test('being told to end ends the running command', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: '[[scenario:tool cmd="echo x > up; sleep 300"]]' });
    await waitFor('the command runs', () => existsSync(join(it.cwd, 'up')));
    expect(await run.stop()).toBe(0);
    expect((await run.ends(1))[0]).toMatchObject({ outcome: 'interrupted' });
  });

  test('a conversation that is not there cannot be resumed', async () => {
    await start({ resume: '00000000-0000-4000-8000-000000000000' });
    expect(await run.finish()).toBe(3);
    expect(run.lines.all).toEqual([]);
  });

  test('begun anew, the old conversation is kept and can still be resumed', async () => {
    await start();
    run.send({ type: 'user', id: 'm1', text: 'remember the word PAPAYA' });
    await run.ends(1);
    const old = run.lines.of('ready')[0]?.conversationId ?? '';
    await again({ resume: null });
    run.send({ type: 'user', id: 'm2', text: '[[scenario:recall]]' });
    await run.ends(1);
    expect(run.lines.of('message').at(-1)?.content).toContain('no word');
    expect(readdirSync(it.dir)).toContain(`record-${old}.jsonl`);
    await again({ resume: old });
    run.send({ type: 'user', id: 'm3', text: '[[scenario:recall]]' });
    await run.ends(1);
    expect(run.lines.of('message').at(-1)?.content).toContain('PAPAYA');
  });
});
