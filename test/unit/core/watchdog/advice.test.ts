/** Layer 2 may postpone the ladder or choose how its next rung is taken, and nothing else. */
import { describe, expect, it } from 'vitest';
import type { Advice } from '../../../../src/core/watchdog/types.ts';
import { type Desk, ended, ID, TURN } from '../desk.ts';
import { judged, MINUTE, open, pass, replayed, says, thinks, working } from './stage.ts';

const WAIT = 35_000;
const SENTENCE = 'I will now look at the configuration of the build once more.';

function asked(): Desk {
  const desk = working();
  desk.settings = { ...desk.settings, adviceMs: WAIT };
  for (let i = 0; i < 4; i++) desk.said(thinks(SENTENCE));
  return desk;
}

function advise(desk: Desk, action: Advice['action'], change: Partial<Advice> = {}): void {
  const seq = desk.events('watchdog').findLast((event) => event.ambiguous)?.seq ?? 0;
  desk.input({ type: 'advice', agentId: ID, advice: { seq, action, text: null, why: 'because', ...change } });
}

it('is asked about what the rules are not sure of, and not about the rest', () => {
  const desk = asked();
  expect(judged(desk)).toEqual(['text_loop:ask_advice']);
  expect(desk.events('watchdog').at(-1)?.ambiguous).toBe(true);
});

it('is waited for, and then the rules go on by themselves', () => {
  const desk = asked();
  pass(desk, WAIT - 1);
  expect(judged(desk)).toEqual(['text_loop:ask_advice']);
  pass(desk, 1);
  expect(judged(desk)).toEqual(['text_loop:ask_advice', 'text_loop:note']);
});

describe('what comes of advice', () => {
  it.each<[Advice['action'], string[]]>([
    ['extend', ['extend:extend']],
    ['retry', ['retry:note']],
    ['nudge', ['nudge:note']],
    ['restart', ['restart:note']],
    ['stop', ['stop:note']],
    ['ask', ['ask:alert', 'ask:extend']],
  ])('%s at the lowest rung: %j', (action, verdicts) => {
    const desk = asked();
    advise(desk, action);
    expect(judged(desk, 2)).toEqual(verdicts);
    expect(desk.agent().gate).toBeNull();
    expect(replayed(desk)).toEqual(JSON.parse(JSON.stringify(desk.state)));
  });

  it('more time is given three times, then something happens', () => {
    const desk = asked();
    for (let round = 0; round < 3; round++) {
      advise(desk, 'extend');
      for (let i = 0; i < 4; i++) desk.said(thinks(SENTENCE));
    }
    expect(judged(desk, 2)).toEqual(['extend:extend', 'extend:extend', 'extend:extend']);
    expect(judged(desk)).toContain('text_loop:note');
  });

  it('its words are what the agent is told', () => {
    const desk = working();
    desk.settings = { ...desk.settings, adviceMs: WAIT };
    open(desk, 'make world');
    pass(desk, 30 * MINUTE);
    advise(desk, 'nudge', { text: 'The build waits for input: run it with --yes.' });
    expect(judged(desk, 2)).toEqual(['nudge:nudge']);
    expect(desk.events('delivery').find((e) => e.content?.includes('--yes'))).toBeDefined();
  });

  it('a question at the end of a turn is answered by a nudge at most', () => {
    const desk = working();
    desk.settings = { ...desk.settings, adviceMs: WAIT };
    desk.said(says('Shall I go on with the second half?'), ended('ok'));
    advise(desk, 'restart', { text: 'Yes, go on.' });
    expect(judged(desk, 2)).toEqual(['restart:nudge']);
    expect(desk.agent().queue.at(-1)?.text).toContain('Yes, go on.');
  });

  it.each<[string, Partial<Advice>]>([
    ['on another event', { seq: 1 }],
    ['on an event that is not there', { seq: 99_999 }],
  ])('nothing comes of advice %s', (_what, change) => {
    const desk = asked();
    advise(desk, 'stop', change);
    expect(judged(desk, 2)).toEqual(['stop:none']);
    expect(desk.agent().ladder.rung).toBeNull();
  });

  it('nothing comes of advice that comes twice, or when the turn is over', () => {
    const desk = asked();
    desk.said(says('I have it.'), ended('ok'));
    advise(desk, 'restart');
    advise(desk, 'restart');
    expect(judged(desk, 2)).toEqual(['restart:none', 'restart:none']);
  });

  it('nothing comes of advice on an agent that is not there', () => {
    const desk = asked();
    const step = desk.input({
      type: 'advice',
      agentId: 'nobody',
      advice: { seq: 1, action: 'stop', text: null, why: '' },
    });
    expect(step.events).toEqual([]);
  });
});

describe("the day's budget", () => {
  const spent = { model: 'm', input: 700, output: 40 };
  const questions = (desk: Desk): number => desk.done().filter((effect) => effect.do === 'triage').length;
  const loop = (desk: Desk): void => {
    for (let i = 0; i < 4; i++) desk.said(thinks(SENTENCE));
  };

  it('is counted once for each question, whatever came of it, and survives a restart', () => {
    const desk = asked();
    advise(desk, 'ask', { spent });
    expect(desk.events('watchdog').filter((event) => event.spent)).toHaveLength(1);
    expect(desk.state.advice).toEqual({ day: '2026-01-01', calls: 1, tokens: 740 });
    expect(replayed(desk)).toEqual(JSON.parse(JSON.stringify(desk.state)));
  });

  it('counts advice on an agent that is gone', () => {
    const desk = asked();
    desk.input({ type: 'advice', agentId: 'gone', advice: { seq: 1, action: 'stop', text: null, why: 'x', spent } });
    expect(desk.state.advice.calls).toBe(1);
  });

  it.each<[string, { calls: number; tokens: number }]>([
    ['calls', { calls: 1, tokens: 1_000_000 }],
    ['tokens', { calls: 100, tokens: 740 }],
  ])(
    'once its %s are used up nobody is asked, and the rules go on alone; the next day is a new one',
    (_what, advicePerDay) => {
      const desk = asked();
      expect(questions(desk)).toBe(1);
      desk.settings = { ...desk.settings, advicePerDay };
      advise(desk, 'extend', { spent });
      loop(desk);
      expect(questions(desk)).toBe(0);
      expect(judged(desk)).toContain('text_loop:note');
      desk.now += 86_400_000;
      desk.said(ended('ok'), TURN);
      loop(desk);
      expect(questions(desk)).toBe(1);
    },
  );

  it('is not touched where layer 2 is off: nothing is asked', () => {
    const desk = working();
    loop(desk);
    desk.said(says('Shall I go on?'), ended('ok'));
    expect(questions(desk)).toBe(0);
  });
});
