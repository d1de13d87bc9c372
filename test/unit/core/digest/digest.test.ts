import { describe, expect, it } from 'vitest';
import { wordsFor } from '../../../../src/core/alerts/words.ts';
import { beginDigest, type Digest, isEmpty } from '../../../../src/core/digest/digest.ts';
import { digestSummary, digestText } from '../../../../src/core/digest/words.ts';
import { nextDue } from '../../../../src/core/due.ts';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { iso } from '../../../../src/core/time.ts';
import { Desk, ended, ID, SETTINGS, T0, TURN } from '../desk.ts';

const HOUR = 3_600_000;

function digestOf(desk: Desk, since = T0): Digest {
  const work = beginDigest(iso(since));
  for (const event of desk.log) if (event.at >= iso(since)) work.take(event);
  return work.done(desk.state, iso(desk.now));
}

const usage = (costUsd: number | null): DriverEventBody => ({
  type: 'usage',
  ...{ input: 1_000, output: 200, cacheRead: 0, cacheWrite: 0, costUsd },
  ...{ contextUsed: null, contextLimit: null, model: null, estimated: false },
});

describe('a digest', () => {
  const busy = (): Desk => {
    const desk = new Desk().up();
    desk.send('m-1');
    desk.confirm('m-1');
    desk.said(TURN, usage(0.25), ended('ok'));
    desk.said(TURN);
    desk.exit();
    desk.upAgain();
    desk.said(TURN);
    desk.record({
      kind: 'request',
      ...{ requestId: 'r-1', incarnation: 2, what: 'permission', tool: 'bash', args: { command: 'make' }, text: '' },
    });
    return desk;
  };

  it('counts what happened to each agent, and says how it stands now', () => {
    expect(digestOf(busy()).agents).toEqual([
      {
        ...{ agent: 'alice', state: 'waiting', reason: 'permission: bash: make', waits: ['r-1 bash: make'] },
        ...{ turns: { ok: 1, failed: 0 }, crashes: 1, failures: [], limits: 0, asked: 1, answered: 0 },
        ...{ messages: 1, tokens: 1_200, costUsd: 0.25, estimated: false },
      },
    ]);
  });

  it('tells in words who waits first, and then the rest', () => {
    const text = digestText(digestOf(busy()));
    expect(text).toMatch(/^Since 2026-01-01T00:00:00\.000Z: 1 turn done, 1 unexpected end, \$0\.25\.$/m);
    expect(text).toMatch(/^Waits for you:\n {2}alice {2}r-1 bash: make$/m);
    expect(text).toMatch(
      /^ {2}alice: waiting .* · 1 turn done · ended unexpectedly 1 time · asked 1 time, 0 answered · 1k tokens · \$0\.25$/m,
    );
    expect(text).toMatch(/^Alerts:\n {2}\S+ {2}warning {2}alice waits for a person: bash: make$/m);
    expect(digestSummary(digestOf(busy()))).toMatch(/waiting for you: alice\ntutti digest tells more$/);
  });

  it('says why an agent gave up, and never invents a cost', () => {
    const desk = new Desk().up();
    desk.exit({ retryable: false, message: 'no such model' });
    const [alice] = digestOf(desk).agents;
    expect(alice).toMatchObject({ state: 'failed', failures: ['no such model'], costUsd: null });
    expect(digestText(digestOf(desk))).toMatch(/^Has given up:\n {2}alice {2}no such model$/m);
    expect(digestText(digestOf(desk))).not.toContain('$');
  });

  it('tells of an agent that was removed meanwhile', () => {
    const desk = busy();
    desk.command({ verb: 'rm', agentId: ID });
    desk.hostDown();
    desk.input({ type: 'effect_done', effect: { do: 'clear', agentId: ID, epoch: 1 }, ok: true, value: null });
    expect(digestOf(desk).agents).toMatchObject([{ agent: 'alice', state: 'gone', turns: { ok: 1 } }]);
  });

  it('is empty where nothing happened', () => {
    const desk = new Desk().up();
    expect(isEmpty(digestOf(desk))).toBe(true);
    expect(isEmpty(digestOf(busy()))).toBe(false);
    expect(isEmpty(digestOf(busy(), T0 + HOUR))).toBe(false);
  });
});

describe('the daily digest', () => {
  function daily(): Desk {
    const desk = new Desk();
    desk.settings = { ...SETTINGS, notify: { ...SETTINGS.notify, floor: 'warning', digestAt: 8 * 60 } };
    desk.input({ type: 'recovered' });
    return desk;
  }
  const asked = (desk: Desk) => desk.done().filter((effect) => effect.do === 'digest');

  it('is asked for once a day at its time, each span beginning where the last one ended', () => {
    const desk = daily();
    expect(nextDue(desk.state, desk.settings)).toBe(T0 + 8 * HOUR);
    desk.wait(8 * HOUR);
    const [first] = asked(desk);
    expect(first).toEqual({ do: 'digest', since: iso(T0), until: iso(T0 + 8 * HOUR) });
    desk.input({ type: 'effect_done', effect: first as never, ok: true, value: null });
    expect(nextDue(desk.state, desk.settings)).toBe(T0 + 32 * HOUR);
    desk.wait(24 * HOUR);
    expect(asked(desk)).toEqual([{ do: 'digest', since: iso(T0 + 8 * HOUR), until: iso(T0 + 32 * HOUR) }]);
  });

  it('is told like an alert, with all its lines; and not at all when nothing happened', () => {
    const desk = daily();
    desk.wait(8 * HOUR);
    const [effect] = asked(desk);
    desk.input({ type: 'effect_done', effect: effect as never, ok: true, value: 'Since …\nwaiting for you: alice' });
    desk.wait(5_000);
    const [told] = desk.done().flatMap((each) => (each.do === 'notify' ? [each.notification] : []));
    expect(told && wordsFor(told, 'warning')?.text).toBe('Since …\nwaiting for you: alice');
  });

  it('that was lost with its supervisor is asked for again', () => {
    const desk = daily();
    desk.wait(8 * HOUR);
    const before = asked(desk);
    desk.input({ type: 'recovered' });
    expect(asked(desk)).toEqual(before);
  });

  it('is never due where none is configured', () => {
    const desk = new Desk();
    desk.input({ type: 'recovered' });
    expect(nextDue(desk.state, desk.settings)).toBeNull();
  });
});
