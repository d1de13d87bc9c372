import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import type { Action } from '../../../../src/drivers/driver.ts';
import { gemini } from '../../../../src/drivers/gemini/index.ts';
import { opencode } from '../../../../src/drivers/opencode/index.ts';
import { play } from './conversation.ts';

const brief = (actions: Action[]): string[] =>
  actions.flatMap((action) => {
    if (action.do === 'confirmed') return [`${action.messageId} is in`];
    if (action.do === 'turn') return [`turn ${action.phase}`];
    if (action.do === 'judge') return [`judge ${action.tool} ${String(action.args['command'])}`];
    if (action.do === 'ready') return [`ready${action.resumed ? ' again' : ''}`];
    return action.do === 'delta' ? [] : [action.do];
  });

const told = (events: DriverEventBody[]): string[] =>
  events.flatMap((event) => {
    if (event.type === 'turn') return [event.phase === 'start' ? '[' : `] ${event.outcome}`];
    if (event.type === 'message') return [`${event.role}: ${event.content}`];
    if (event.type === 'tool_call') return [`call ${event.tool} ${String(event.args['command'])}`];
    if (event.type === 'tool_result')
      return [`${event.isError ? 'failed' : 'result'} ${event.result.trim().split('\n')[0]}`];
    return event.type === 'usage' || event.type === 'session' ? [] : [event.type];
  });

describe('the ACP protocol on a recorded conversation with OpenCode', () => {
  const played = play(opencode, 'opencode');

  test('writes what was written then', () => expect(played.differences).toEqual([]));
  test('understands every line', () => expect(played.raw).toEqual([]));

  test('confirms each message once, the one sent into a turn at its end', () => {
    expect(brief(played.actions[0] ?? [])).toEqual([
      'ready',
      ...['turn start', 'm1 is in', 'turn end'],
      ...['turn start', 'm2 is in', 'judge bash echo hi; exit 3', 'turn end'],
      ...['turn start', 'm3 is in', 'judge bash touch denied.txt', 'turn end'],
      ...['turn start', 'm4 is in', 'turn end'],
      ...['turn start', 'm5 is in', 'judge bash sleep 2; echo x', 'm6 is in', 'turn end'],
      ...['turn start', 'm7 is in', 'judge bash sleep 30', 'turn end'],
      ...['turn start', 'm8 is in', 'judge bash touch asked.txt', 'withdrawn', 'turn end'],
      ...['turn start', 'm9 is in', 'judge bash sleep 45'],
    ]);
    expect(brief(played.actions[1] ?? [])).toEqual([
      'ready again',
      ...['turn start', 'm10 is in', 'turn end'],
      ...['turn start', 'm11 is in', 'turn end'],
      ...['turn start', 'm12 is in', 'turn end'],
    ]);
    expect(brief(played.actions[2] ?? [])).toEqual(['broken']);
  });

  test('tells the conversation, with the refused and the failed command as failed', () => {
    expect(told(played.events[0] ?? [])).toEqual([
      ...['[', 'user: remember MANGO', 'assistant: ack: remember MANGO', '] ok'],
      ...['[', 'user: [[tool echo hi; exit 3]] second', 'thinking', 'call bash echo hi; exit 3', 'failed hi'],
      ...['assistant: ack: <tool echo hi; exit 3]] second', '] ok'],
      ...['[', 'user: [[tool touch denied.txt]] third', 'thinking', 'call bash touch denied.txt'],
      ...['failed The user rejected permission to use this specific tool call.', '] ok'],
      ...['[', 'user: /slash is not a command', 'assistant: ack: \u200b/slash is not a command', '] ok'],
      ...['[', 'user: [[tool sleep 2; echo x]] fifth', 'thinking', 'call bash sleep 2; echo x', 'user: sixth now'],
      ...['result x', 'assistant: ack: sixth now', '] ok'],
      ...[
        '[',
        'user: [[tool sleep 30]] seventh',
        'thinking',
        'call bash sleep 30',
        'result (no output)',
        '] interrupted',
      ],
      ...['[', 'user: [[tool touch asked.txt]] eighth', 'thinking', 'call bash touch asked.txt'],
      ...['failed Tool execution aborted', '] interrupted'],
      ...['[', 'user: [[tool sleep 45]] ninth', 'thinking', 'call bash sleep 45'],
    ]);
  });

  test('does not tell the history again that a load plays back', () => {
    expect(told(played.events[1] ?? []).slice(0, 4)).toEqual([
      ...['[', 'user: tenth never sent', 'assistant: ack: tenth never sent', '] ok'],
    ]);
  });

  test('adds up the cost, which OpenCode tells as the sum of the session', () => {
    const costs = (played.events[0] ?? [])
      .map((event) => (event.type === 'usage' ? event.costUsd : null))
      .filter((cost) => cost !== null);
    // 7 requests that were answered, at 0.000342 each.
    expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(7 * 0.000342, 9);
    // After a load the first figure holds earlier costs: it is the base and counts nothing.
    expect(played.events[1]?.find((event) => event.type === 'usage')).toMatchObject({ costUsd: null });
  });
});

describe('the ACP protocol on a recorded conversation with Gemini', () => {
  const played = play(gemini, 'gemini');

  test('writes what was written then', () => expect(played.differences).toEqual([]));
  test('understands every line', () => expect(played.raw).toEqual([]));

  test('waits for the end of the history, which Gemini plays back after its answer to the load', () => {
    expect(brief(played.actions[1] ?? [])).toEqual([
      'ready again',
      ...['turn start', 'm10 is in', 'turn end'],
      ...['turn start', 'm11 is in', 'turn end'],
      ...['turn start', 'm12 is in', 'turn end'],
    ]);
    expect(told(played.events[1] ?? [])).toEqual([
      ...['[', 'user: tenth never sent', 'assistant: ack: tenth never sent', '] ok'],
      ...['[', 'user: [[status 400]] error', 'error', '] error'],
      ...['[', 'user: [[think]] what was the word', 'thinking', 'assistant: ack: <think]] what was the word', '] ok'],
    ]);
  });

  test('announces calls that Gemini tells only in its permission request, and says which were refused', () => {
    expect(told(played.events[0] ?? [])).toEqual([
      ...['[', 'user: remember MANGO', 'assistant: ack: remember MANGO', '] ok'],
      ...['[', 'user: [[tool echo hi; exit 3]] second', 'thinking', 'call bash echo hi; exit 3', 'result '],
      ...['assistant: ack: <tool echo hi; exit 3]] second', '] ok'],
      ...['[', 'user: [[tool touch denied.txt]] third', 'thinking', 'call bash touch denied.txt'],
      ...['failed Refused: this call was not allowed.', 'assistant: ack: <tool touch denied.txt]] third', '] ok'],
      ...['[', 'user: /slash is not a command', 'assistant: ack: \u200b/slash is not a command', '] ok'],
      ...['[', 'user: [[tool sleep 2; echo x]] fifth', 'thinking', 'call bash sleep 2; echo x', 'result '],
      ...['assistant: ack: <tool sleep 2; echo x]] fifth', '] ok'],
      ...[
        '[',
        'user: [[tool sleep 30]] seventh',
        'thinking',
        'call bash sleep 30',
        'result Command cancelled by user.',
        '] interrupted',
      ],
      ...['[', 'user: [[tool touch asked.txt]] eighth', 'thinking', 'call bash touch asked.txt'],
      ...['failed Refused: this call was not allowed.', '] interrupted'],
      ...['[', 'user: [[tool sleep 45]] ninth', 'thinking', 'call bash sleep 45'],
    ]);
  });
});
