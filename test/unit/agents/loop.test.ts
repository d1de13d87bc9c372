import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { agentOutput } from '../../../src/agents/wire-schema.ts';
import { type Bench, bench, once } from './support.ts';

let it: Bench;
afterEach(() => it.close());

const types = (lines: { type: string }[]) =>
  lines.map(({ type }) => type).filter((type) => type !== 'delta' && type !== 'usage');

describe('the core loop', () => {
  test('calls the model, runs its tools, appends the results, and ends when no tool is asked for', async () => {
    it = await bench();
    const { code, lines } = await once(it.options, '[[scenario:multi n=2]] go');
    expect(code).toBe(0);
    expect(types(lines)).toEqual([
      'session',
      'message',
      'accepted',
      'turn',
      ...['thinking', 'tool_call', 'tool_result'],
      ...['thinking', 'tool_call', 'tool_result'],
      'message',
      'turn',
    ]);
    expect(it.model.messages('agent').map(({ role }) => role)).toEqual([
      'user',
      ...['assistant', 'call', 'result'],
      ...['assistant', 'call', 'result'],
    ]);
    expect(it.model.messages('agent').at(-1)?.text).toBe('step 2');
  });

  test('every line it writes is one of the lines of its protocol', async () => {
    it = await bench();
    const runs = [
      '[[scenario:multi n=2 parallel=1]]',
      '[[scenario:thinking]]',
      '[[scenario:usage_limit]]',
      '[[scenario:auth]]',
    ];
    for (const prompt of runs) {
      const { lines } = await once({ ...it.options, record: null }, prompt);
      for (const line of lines) expect(agentOutput.safeParse(line).error, JSON.stringify(line)).toBeUndefined();
    }
  });

  test('the lines of the first specification come in its own form', async () => {
    it = await bench();
    const { lines } = await once(it.options, '[[scenario:tool cmd="echo hi"]]');
    expect(lines).toContainEqual({ type: 'turn', number: 1 });
    expect(lines).toContainEqual({ type: 'thinking', content: "I'll run it." });
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'tool_call', tool: 'bash', args: { command: 'echo hi' } }),
    );
  });

  test('v0 lists a folder with its only tool', async () => {
    it = await bench({ version: 'v0' });
    writeFileSync(join(it.cwd, 'seen.txt'), '');
    const { lines } = await once(it.options, '[[scenario:tool cmd="ls"]]');
    expect(lines[0]).toMatchObject({ type: 'session', agent: 'v0', tools: ['bash'] });
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'tool_result', result: expect.stringContaining('seen.txt') }),
    );
  });

  test('v1 reads, edits the first exact match and writes', async () => {
    it = await bench();
    writeFileSync(join(it.cwd, 'notes.txt'), 'mock mock $& mock');
    await once(it.options, '[[scenario:edit new="$& new"]]');
    expect(readFileSync(join(it.cwd, 'notes.txt'), 'utf8')).toBe('$& new mock $& mock');
    await once({ ...it.options, record: null }, '[[scenario:write path=deep/er/x.txt content=hello]]');
    expect(readFileSync(join(it.cwd, 'deep/er/x.txt'), 'utf8')).toBe('hello');
  });

  test('the coding task of the demo ends with a passing test', async () => {
    it = await bench();
    const { demoProject, demoTask } = await import('../../../src/agents/scripted-model/index.ts');
    for (const [path, content] of Object.entries(demoProject)) writeFileSync(join(it.cwd, path), content);
    const { lines } = await once(it.options, demoTask);
    const tests = lines.filter((line) => line.type === 'tool_result' && line.tool === 'bash');
    expect(tests.map((line) => line.type === 'tool_result' && line.isError)).toEqual([true, false]);
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'message', content: expect.stringContaining('passes now') }),
    );
  });

  test('a tool that nobody offered is an error result, and the turn goes on', async () => {
    it = await bench();
    const { code, lines } = await once(it.options, '[[scenario:badtool name=fly]]');
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'tool_result', tool: 'other', isError: true, result: 'There is no tool fly.' }),
    );
    expect(code).toBe(0);
  });

  test('a turn of too many rounds ends with max_turns', async () => {
    it = await bench({ maxRounds: 3 });
    const { code, lines } = await once(it.options, '[[scenario:loop]]');
    expect(lines.at(-1)).toMatchObject({ type: 'turn', phase: 'end', outcome: 'max_turns' });
    expect(code).toBe(1);
  });

  test('usage is told for every request', async () => {
    it = await bench();
    const { lines } = await once(it.options, '[[scenario:tool cmd=true]]');
    const usage = lines.filter((line) => line.type === 'usage');
    expect(usage).toHaveLength(2);
    expect(usage[1]).toMatchObject({ model: 'scripted-test', input: 4, output: expect.any(Number) });
  });
});

describe('trouble with the model', () => {
  const end = (outcome: string) => expect.objectContaining({ type: 'turn', phase: 'end', outcome });
  test('a limit is not waited out where somebody supervises, however short it is', async () => {
    it = await bench({ gate: true });
    const { lines } = await once(it.options, '[[scenario:ratelimit n=1 retry_after=1]]');
    expect(lines.at(-1)).toEqual(end('limit'));
    expect(lines).toContainEqual(expect.objectContaining({ type: 'rate_limit', retryAfterMs: 1_000 }));
    expect(it.model.requests()).toHaveLength(1);
  });

  const cases = [
    {
      id: 'a long rate limit',
      prompt: '[[scenario:ratelimit retry_after=60]]',
      code: 'rate_limit',
      outcome: 'limit',
      requests: 1,
    },
    {
      id: 'a usage limit',
      prompt: '[[scenario:usage_limit reset=7200]]',
      code: 'usage_limit',
      outcome: 'limit',
      requests: 1,
    },
    { id: 'a bad key', prompt: '[[scenario:auth]]', code: 'auth', outcome: 'error', requests: 1 },
    { id: 'no credit', prompt: '[[scenario:quota]]', code: 'billing', outcome: 'error', requests: 1 },
    {
      id: 'a prompt that is too long',
      prompt: '[[scenario:toolong]]',
      code: 'context_overflow',
      outcome: 'error',
      requests: 1,
    },
    { id: 'a refusal', prompt: '[[scenario:refusal]]', code: 'model', outcome: 'error', requests: 1 },
    { id: 'an answer that is cut off', prompt: '[[scenario:maxtokens]]', code: 'model', outcome: 'error', requests: 1 },
    {
      id: 'overload without end',
      prompt: '[[scenario:overloaded]]',
      code: 'overloaded',
      outcome: 'error',
      requests: 4,
    },
    {
      id: 'a broken connection without end',
      prompt: '[[scenario:cut]]',
      code: 'network',
      outcome: 'error',
      requests: 4,
    },
  ];
  test.each(cases)('$id is $code, and the turn ends with $outcome', async ({ prompt, code, outcome, requests }) => {
    it = await bench();
    const { lines } = await once(it.options, prompt);
    expect(lines).toContainEqual(expect.objectContaining({ type: 'error', code }));
    expect(lines.at(-1)).toEqual(end(outcome));
    expect(it.model.requests('agent')).toHaveLength(requests);
  });

  test.each(['ratelimit n=2 retry_after=0', 'overloaded n=1', 'error500 n=1', 'cut n=1', 'reset n=1'])(
    '%s is told and sat out',
    async (scenario) => {
      it = await bench();
      const { code, lines } = await once(it.options, `[[scenario:${scenario}]]`);
      expect(lines).toContainEqual(expect.objectContaining({ type: 'retry', attempt: 1, max: 3 }));
      expect(code).toBe(0);
    },
  );

  test('a long rate limit tells when to go on, and the next message goes on', async () => {
    it = await bench();
    const before = Date.now();
    const first = await once(it.options, '[[scenario:ratelimit retry_after=8 n=1 say="Back again."]] go');
    const limit = first.lines.find((line) => line.type === 'rate_limit');
    expect(limit).toMatchObject({ limit: 'rejected', retryAfterMs: 8000, scope: 'requests' });
    expect(Date.parse(limit?.resetsAt ?? '')).toBeGreaterThanOrEqual(before + 8000);
    const session = first.lines[0];
    const resume = session?.type === 'session' ? session.conversationId : '';
    const second = await once({ ...it.options, resume }, 'the limit is over');
    expect(second.lines).toContainEqual(expect.objectContaining({ type: 'message', content: 'Back again.' }));
  });

  test('a usage limit tells the time of its reset', async () => {
    it = await bench();
    const { lines } = await once(it.options, '[[scenario:usage_limit reset=7200]]');
    expect(lines).toContainEqual(
      expect.objectContaining({
        type: 'rate_limit',
        limit: 'rejected',
        scope: 'five_hour',
        resetsAt: expect.any(String),
      }),
    );
  });

  test('a warning of the subscription is told once', async () => {
    it = await bench();
    const { lines } = await once(it.options, '[[scenario:tool cmd=true unified=allowed_warning util=0.93]]');
    const limits = lines.filter((line) => line.type === 'rate_limit');
    expect(limits).toHaveLength(1);
    expect(limits[0]).toMatchObject({ limit: 'warning', utilization: 0.93 });
  });

  test('nobody listening at the base URL is a network error', async () => {
    it = await bench();
    await it.model.close();
    const { lines } = await once(it.options, 'hi');
    expect(lines).toContainEqual(expect.objectContaining({ type: 'error', code: 'network', retryable: true }));
    expect(existsSync(join(it.dir, 'record.jsonl'))).toBe(true);
  });
});
