import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { type ScriptedModel, startScriptedModel } from '../../../../src/agents/scripted-model/index.ts';
import { scenarios } from '../../../../src/agents/scripted-model/scenarios/index.ts';
import { startScriptedServer, userTexts } from '../../../support/scripted/index.ts';
import { waitFor } from '../../../support/wait.ts';

let model: ScriptedModel;
afterEach(() => model.close());

const tools = [{ name: 'bash', input_schema: { type: 'object' as const } }];
const client = (baseURL: string) => new Anthropic({ apiKey: 'dummy', baseURL, maxRetries: 0 });
const ask = (content: string, more: object = {}) => ({
  model: 'm',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content }],
  tools,
  ...more,
});
const post = (path: string, body: object) =>
  fetch(`${model.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('the Messages API', () => {
  test('streamed and whole answers say the same', async () => {
    model = await startScriptedModel();
    const body = ask('[[scenario:tool cmd="echo hi"]]');
    const streamed = await client(model.url).messages.stream(body).finalMessage();
    const whole = await client(model.url).messages.create(body);
    for (const message of [streamed, whole]) {
      expect(message).toMatchObject({ model: 'scripted-m', stop_reason: 'tool_use' });
      expect(message.content).toMatchObject([
        { type: 'text', text: "I'll run it." },
        { type: 'tool_use', name: 'bash', input: { command: 'echo hi' } },
      ]);
      expect(message.usage.output_tokens).toBeGreaterThan(1);
    }
  });

  test('every answer is labelled as scripted', async () => {
    model = await startScriptedModel();
    const answers = [
      await fetch(model.url, { method: 'HEAD' }),
      await post('/v1/messages', ask('hi')),
      await post('/v1/messages', ask('hi', { stream: true })),
      await post('/v1/messages', ask('[[scenario:auth]]')),
      await post('/v1/messages/count_tokens', ask('hi')),
      await post('/nowhere', {}),
    ];
    for (const answer of answers) expect(answer.headers.get('x-tutti-scripted')).toBe('1');
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401, 200, 404]);
    await Promise.all(answers.map((answer) => answer.text()));
  });

  const failures = [
    { id: 'ratelimit retry_after=8', status: 429, type: 'rate_limit_error', headers: { 'retry-after': '8' } },
    { id: 'ratelimit retry_after=none', status: 429, type: 'rate_limit_error', headers: { 'retry-after': null } },
    {
      id: 'usage_limit reset=60',
      status: 429,
      type: 'rate_limit_error',
      headers: { 'anthropic-ratelimit-unified-status': 'rejected', 'retry-after': '60' },
    },
    { id: 'overloaded', status: 529, type: 'overloaded_error', headers: {} },
    { id: 'error500', status: 500, type: 'api_error', headers: {} },
    { id: 'auth', status: 401, type: 'authentication_error', headers: {} },
    { id: 'quota', status: 400, type: 'invalid_request_error', headers: {} },
    { id: 'toolong', status: 400, type: 'invalid_request_error', headers: {} },
    { id: 'nosuchscenario', status: 400, type: 'invalid_request_error', headers: {} },
  ];
  test.each(failures)('$id is status $status', async ({ id, status, type, headers }) => {
    model = await startScriptedModel();
    const error = await caught(client(model.url).messages.create(ask(`[[scenario:${id}]]`)));
    expect(error).toMatchObject({ status, type });
    for (const [name, value] of Object.entries(headers))
      expect((error as { headers: Headers }).headers.get(name)).toBe(value);
  });

  test('n attempts fail, then it answers', async () => {
    model = await startScriptedModel();
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1)
      statuses.push((await post('/v1/messages', ask('[[scenario:overloaded n=2]]'))).status);
    expect(statuses).toEqual([529, 529, 200]);
  });

  test('a cut connection breaks the stream, and the log says so', async () => {
    model = await startScriptedModel();
    expect(await caught(client(model.url).messages.stream(ask('[[scenario:cut]]')).finalMessage())).toBeInstanceOf(
      Error,
    );
    expect(model.requests()[0]).toMatchObject({ outcome: 'cut', scenario: 'cut' });
  });

  test('a hanging request stays open until the client goes', async () => {
    model = await startScriptedModel();
    const stop = new AbortController();
    const hanging = caught(
      fetch(`${model.url}/v1/messages`, {
        method: 'POST',
        body: JSON.stringify(ask('[[scenario:hang]]')),
        signal: stop.signal,
      }),
    );
    await waitFor('it hangs', () => model.requests()[0]?.outcome === 'hung');
    stop.abort();
    await hanging;
    await waitFor('it is given up', () => model.requests()[0]?.outcome === 'aborted');
  });

  test('rubbish is answered, not fatal', async () => {
    model = await startScriptedModel();
    const answers = await Promise.all(
      ['', 'x', '[]', '{"messages":1}'].map((body) => fetch(`${model.url}/v1/messages`, { method: 'POST', body })),
    );
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect((await post('/v1/messages', ask('hi'))).status).toBe(200);
  });
});

describe('conversations', () => {
  test('are known by the name in their base URL, and their last messages are kept', async () => {
    model = await startScriptedModel();
    await client(model.urlFor('alice')).messages.create(ask('from alice'));
    await client(model.urlFor('bob')).messages.create(ask('from bob'));
    await client(model.urlFor('alice')).messages.create(ask('again'));
    expect(model.conversations()).toEqual(['alice', 'bob']);
    expect(model.requests('alice')).toHaveLength(2);
    expect(model.messages('alice')).toEqual([{ role: 'user', text: 'again' }]);
    expect(model.messages('bob')).toEqual([{ role: 'user', text: 'from bob' }]);
  });
});

test('every scenario gives a reply at its beginning and after many results', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    for (const count of [0, 1, 50]) {
      const results = Array.from({ length: count }, () => ({
        role: 'result' as const,
        callId: 't',
        text: '',
        isError: false,
      }));
      const point = { scenario: name, params: {}, results, news: ['x'], told: ['x'], key: 'k' };
      expect(scenario(point, 0).steps, name).toBeInstanceOf(Array);
    }
  }
});

describe('the server for the real CLIs', () => {
  const prompt = '[[scenario:tool cmd="echo hi"]] go';
  const dialects = [
    {
      id: 'responses',
      path: '/v1/responses',
      body: {
        model: 'm',
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }],
        tools: [{ type: 'function', name: 'exec_command' }],
      },
      call: (answer: { output: { type: string; name?: string; arguments?: string }[] }) => {
        const item = answer.output.find(({ type }) => type === 'function_call');
        return [item?.name, JSON.parse(item?.arguments ?? '{}')];
      },
      expected: ['exec_command', { cmd: 'echo hi', yield_time_ms: 30_000 }],
    },
    {
      id: 'chat',
      path: '/v1/chat/completions',
      body: {
        model: 'm',
        messages: [{ role: 'user', content: prompt }],
        tools: ['bash', 'todowrite'].map((name) => ({ type: 'function', function: { name } })),
      },
      call: (answer: {
        choices: { message: { tool_calls: { function: { name: string; arguments: string } }[] } }[];
      }) => {
        const made = answer.choices[0]?.message.tool_calls[0]?.function;
        return [made?.name, JSON.parse(made?.arguments ?? '{}')];
      },
      expected: ['bash', { command: 'echo hi', description: 'Scripted command' }],
    },
    {
      id: 'gemini',
      path: '/v1beta/models/gemini-x:generateContent',
      body: {
        contents: [{ role: 'user', parts: [{ text: prompt }] }],
        tools: [{ functionDeclarations: [{ name: 'run_shell_command' }] }],
      },
      call: (answer: { candidates: { content: { parts: { functionCall?: { name: string; args: object } }[] } }[] }) => {
        const part = answer.candidates[0]?.content.parts.find(({ functionCall }) => functionCall !== undefined);
        return [part?.functionCall?.name, part?.functionCall?.args];
      },
      expected: ['run_shell_command', { command: 'echo hi', description: 'Scripted command' }],
    },
  ];
  test.each(dialects)('speaks $id, with the tools of its client', async ({ path, body, call, expected }) => {
    model = await startScriptedServer();
    const answer = await post(`/a/carol${path}`, body);
    expect(answer.status).toBe(200);
    expect(call((await answer.json()) as never)).toEqual(expected);
    expect(userTexts(model, 'carol')).toEqual([prompt]);
  });

  test('with sleepS it runs a command before each answer', async () => {
    model = await startScriptedServer({ sleepS: 0.2 });
    const answer = await client(model.urlFor('dave')).messages.create(ask('hello'));
    expect(answer.content).toMatchObject([{ type: 'tool_use', input: { command: 'sleep 0.2' } }]);
  });

  test('a request without tools is no part of the conversation', async () => {
    model = await startScriptedServer();
    await post('/a/erin/v1/messages', { model: 'm', messages: [{ role: 'user', content: 'title?' }] });
    expect(model.messages('erin')).toEqual([]);
    expect(model.requests('erin')).toMatchObject([{ side: true, outcome: 'answered' }]);
  });
});
