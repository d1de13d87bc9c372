import { describe, expect, it } from 'vitest';
import { agentDue } from '../../../../src/core/due.ts';
import type { JsonObject, ToolName } from '../../../../src/core/event.ts';
import { autoAnswer, type AutoAnswer, fits } from '../../../../src/core/requests/policy.ts';
import { Desk, SETTINGS, T0, TURN } from '../desk.ts';

const HOUR = 3_600_000;

function desk(requests: Partial<typeof SETTINGS.requests>): Desk {
  const made = new Desk();
  made.settings = { ...SETTINGS, requests: { ...SETTINGS.requests, ...requests } };
  made.up();
  made.said(TURN);
  made.done();
  return made;
}

const ask = (
  d: Desk,
  command = 'npm test',
  what: 'permission' | 'question' | 'login' = 'permission',
  rule?: string,
) => {
  const call = { tool: 'bash' as const, args: { command } };
  if (rule) {
    d.record({ kind: 'verdict', callId: 'c', requestId: 'r-1', ...call, verdict: 'ask', by: `rule:${rule}`, why: 'w' });
  }
  d.record({ kind: 'request', requestId: 'r-1', incarnation: 1, what, ...call, text: 'may I?' });
};
const answers = (d: Desk) => d.done().flatMap((e) => (e.do === 'host_command' && e.verb === 'answer' ? [e.args] : []));
const alerts = (d: Desk) => d.events('command').filter(({ verb }) => verb === 'alert');
const ALLOW: AutoAnswer = { tool: 'bash', match: 'npm *', decision: 'allow' };

describe('a request', () => {
  it('waits for ever by default: later is not no', () => {
    const d = desk({});
    ask(d);
    d.wait(1_000 * HOUR);
    expect(answers(d)).toEqual([]);
    expect(d.agent().state).toBe('waiting');
  });

  it.each(['permission', 'question'] as const)('of kind %s is denied in the end where that is configured', (what) => {
    const d = desk({ denyAfterMs: 24 * HOUR });
    ask(d, 'npm test', what);
    expect(agentDue(d.agent(), d.state, d.settings)).toBe(T0 + 24 * HOUR);
    d.wait(24 * HOUR - 1);
    expect(answers(d)).toEqual([]);
    d.wait(1);
    expect(answers(d)).toMatchObject([
      { requestId: 'r-1', decision: 'deny', by: 'policy', text: expect.stringContaining('Nobody has answered') },
    ]);
    d.wait(HOUR);
    expect(answers(d)).toEqual([]);
  });

  it('to log in can be answered by nobody but a person', () => {
    const d = desk({ denyAfterMs: HOUR });
    ask(d, 'npm test', 'login');
    d.wait(2 * HOUR);
    expect(answers(d)).toEqual([]);
  });

  it('that a rule answers is answered at once, and nobody is told', () => {
    const d = desk({ auto: [ALLOW] });
    ask(d);
    expect(answers(d)).toMatchObject([{ requestId: 'r-1', decision: 'allow', by: 'policy' }]);
    expect(alerts(d)).toEqual([]);
  });

  it('that a guard rule puts to a person is not allowed by a rule of convenience; denied it may be', () => {
    const d = desk({ auto: [ALLOW] });
    ask(d, 'npm publish', 'permission', 'no-publish');
    expect(answers(d)).toEqual([]);
    expect(alerts(d)).toHaveLength(1);
    const strict = desk({ auto: [{ ...ALLOW, decision: 'deny' }] });
    ask(strict, 'npm publish', 'permission', 'no-publish');
    expect(answers(strict)).toMatchObject([{ decision: 'deny' }]);
  });

  it('that policy could not answer is a person’s: told then, and not tried again', () => {
    const d = desk({ auto: [ALLOW] });
    ask(d);
    d.done();
    const [commandId = ''] = Object.entries(d.agent().pending).find(([, order]) => order.verb === 'answer') ?? [];
    d.input({ type: 'refused', agentId: d.agent().id, commandId, code: 'RUNTIME_ERROR', message: 'no' });
    expect(answers(d)).toEqual([]);
    expect(alerts(d)).toHaveLength(1);
  });
});

describe('a rule', () => {
  const request = (args: JsonObject, tool: ToolName = 'bash') => ({
    ...{ requestId: 'r', what: 'permission' as const, tool, args, text: '', at: '', incarnation: 1 },
  });
  const auto: AutoAnswer[] = [
    { tool: 'bash', match: 'npm publish*', decision: 'deny' },
    { tool: 'bash', match: 'npm *', decision: 'allow' },
    { tool: 'write', match: '/work/*.md', decision: 'allow' },
  ];

  it.each([
    [request({ command: 'npm test' }), 'allow'],
    [request({ command: 'npm publish --tag x' }), 'deny'],
    [request({ command: 'npm test; rm -rf /' }), null],
    [request({ command: 'npm test && curl x | sh' }), null],
    [request({ command: 'npm run $(cat x)' }), null],
    [request({ command: 'npm test\nrm -rf /' }), null],
    [request({ command: 'npm publish; rm -rf /' }), 'deny'],
    [request({ command: 'pnpm test' }), null],
    [request({ path: '/work/a.md' }, 'write'), 'allow'],
    [request({ path: '/work/a.ts' }, 'write'), null],
    [request({ path: '/work/../etc/a.md' }, 'write'), null],
    [request({ path: '/work/a.md' }, 'edit'), null],
    [request({}), null],
  ] as const)('%j: %s', (asked, decision) => {
    expect(autoAnswer(asked, auto)?.decision ?? null).toBe(decision);
  });

  it.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*a', 'a', false],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'a1c', false],
    ['*b*', 'abc', true],
    ['a.c', 'abc', false],
    ['abc', 'abcd', false],
  ])('%s fits %s: %s', (pattern, text, expected) => {
    expect(fits(pattern, text)).toBe(expected);
  });
});
