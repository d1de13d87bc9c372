/** The ladder: what is done, in which order, what suspends it and what ends it. */
import { describe, expect, it } from 'vitest';
import { pendingOf } from '../../../../src/core/agent.ts';
import { nextDue } from '../../../../src/core/due.ts';
import { RUNGS, type Rung } from '../../../../src/core/watchdog/types.ts';
import { Desk, ended, ID, TURN } from '../desk.ts';
import { bash, comesBack, judged, MINUTE, nextTurn, open, pass, replayed, says, working } from './stage.ts';

const times = (n: number, run: (i: number) => void): void => {
  for (let i = 0; i < n; i++) run(i);
};

describe('a turn that nothing is heard of', () => {
  it('is nudged, interrupted, restarted twice, begun afresh, and then handed to a person', () => {
    const desk = working({ task: 'mend the build' });
    pass(desk, 5 * MINUTE - 1);
    expect(judged(desk)).toEqual([]);
    pass(desk, 1);
    expect(judged(desk)).toEqual(['stalled:nudge']);
    expect(desk.orders()).toEqual(['message']);
    pass(desk, 2.5 * MINUTE);
    expect(judged(desk).at(-1)).toBe('stalled:redirect');
    expect(desk.orders()).toEqual(['interrupt']);
    pass(desk, 2.5 * MINUTE);
    expect(judged(desk).at(-1)).toBe('stalled:restart');
    expect(desk.orders()).toEqual(['stop']);
    comesBack(desk);
    expect(nextTurn(desk)).toContain('nothing was heard of the running turn');
    pass(desk, 10 * MINUTE);
    expect(judged(desk).at(-1)).toBe('stalled:restart');
    comesBack(desk);
    nextTurn(desk);
    bash(desk, 'make', 'it broke', { isError: true });
    pass(desk, 10 * MINUTE);
    expect(judged(desk).at(-1)).toBe('stalled:fresh');
    comesBack(desk);
    const handoff = nextTurn(desk);
    expect(handoff).toContain('This is a new conversation');
    expect(handoff).toContain('bash: make → it broke');
    expect(handoff).toContain('mend the build');
    pass(desk, 10 * MINUTE);
    expect(judged(desk).slice(-2)).toEqual(['stalled:ask', 'stalled:alert']);
    const { state, reason, hint } = desk.agent();
    expect({ state, reason, hint }).toMatchObject({ state: 'failed', hint: expect.stringContaining('tutti resume') });
    expect(reason).toContain('nothing was heard');
    expect(desk.events('watchdog').at(-1)?.evidence).toContain(
      'told once, interrupted once, restarted twice, begun afresh once',
    );
    expect(replayed(desk)).toEqual(JSON.parse(JSON.stringify(desk.state)));
  });

  it('never goes down a rung before something has succeeded', () => {
    const desk = working();
    for (let i = 0; i < 20 && desk.agent().gate !== 'failed'; i++) {
      pass(desk, (nextDue(desk.state, desk.settings) ?? desk.now) - desk.now);
      if (!pendingOf(desk.agent(), 'stop') || desk.agent().gate === 'failed') continue;
      comesBack(desk);
      nextTurn(desk);
    }
    const rungs = desk
      .events('watchdog')
      .flatMap(({ layer, action }) =>
        layer === 1 && (RUNGS as readonly string[]).includes(action) ? [RUNGS.indexOf(action as Rung)] : [],
      );
    expect(rungs.length).toBeGreaterThan(4);
    expect(rungs).toEqual(rungs.toSorted((a, b) => a - b));
  });

  it('is let go as soon as text streams in, which no event tells', () => {
    const desk = working();
    pass(desk, 4 * MINUTE);
    desk.heard.set(ID, new Date(desk.now).toISOString());
    pass(desk, 4 * MINUTE);
    expect(judged(desk)).toEqual(['streaming:wait']);
    pass(desk, MINUTE);
    expect(judged(desk)).toEqual(['streaming:wait', 'stalled:nudge']);
    expect(replayed(desk)).toEqual(JSON.parse(JSON.stringify(desk.state)));
  });

  it('is counted anew when nobody looked for longer than a minute', () => {
    const desk = working();
    desk.wait(60 * MINUTE);
    expect(judged(desk)).toEqual(['late:wait']);
    pass(desk, 5 * MINUTE);
    expect(judged(desk)).toEqual(['late:wait', 'stalled:nudge']);
  });

  it('is forgotten when the nudge helps and the turn ends well', () => {
    const desk = working();
    pass(desk, 5 * MINUTE);
    bash(desk, 'make', 'made');
    desk.said(says('It is made.'), ended('ok'));
    expect(judged(desk)).toEqual(['stalled:nudge', 'recovered:reset']);
    expect(desk.agent().ladder.rung).toBeNull();
  });

  it('takes back a nudge that was not given to the CLI when its turn ends', () => {
    const desk = working();
    desk.input({ type: 'records', agentId: ID, epoch: 1, records: [] });
    desk.agent().holdUntil = new Date(desk.now + 20 * MINUTE).toISOString();
    pass(desk, 5 * MINUTE);
    const { id } = desk.agent().ladder.message ?? { id: '' };
    expect(desk.agent().queue.map((m) => m.messageId)).toEqual([id]);
    desk.said(ended('interrupted'));
    expect(desk.agent().queue).toEqual([]);
    expect(desk.events('delivery').at(-1)).toMatchObject({ messageId: id, state: 'refused' });
  });
});

describe('a running tool', () => {
  it('may be silent for half an hour', () => {
    const desk = working();
    open(desk, 'make world');
    pass(desk, 30 * MINUTE - 1);
    expect(judged(desk)).toEqual([]);
  });

  it('is a sign of life when it comes back after that', () => {
    const desk = working();
    bash(desk, 'make world', 'built', { ms: 29 * MINUTE });
    expect(judged(desk)).toEqual([]);
    pass(desk, 5 * MINUTE - 1);
    expect(judged(desk)).toEqual([]);
  });

  it('past its limit is told of, then interrupted, then restarted', () => {
    const desk = working();
    open(desk, 'make world');
    pass(desk, 30 * MINUTE);
    expect(judged(desk)).toEqual(['tool_limit:nudge']);
    expect(desk.events('delivery').at(-2)?.content).toContain('bash: make world');
    pass(desk, 5 * MINUTE);
    expect(judged(desk)).toEqual(['tool_limit:nudge', 'tool_limit:redirect', 'tool_limit:restart']);
  });
});

describe('the ladder is suspended', () => {
  const ask = (desk: Desk): void => {
    const { incarnation } = desk.agent().cli;
    desk.record({
      kind: 'request',
      requestId: 'r-1',
      incarnation,
      what: 'permission',
      tool: 'bash',
      args: {},
      text: 'rm',
    });
  };

  it.each<[string, (desk: Desk) => void]>([
    ['by an open request', ask],
    ['by a pause', (desk) => desk.command({ verb: 'pause', agentId: ID, now: false })],
    ['by a stop', (desk) => desk.command({ verb: 'stop', agentId: ID })],
    [
      'by a limit that the CLI waits for itself',
      (desk) => {
        const resetsAt = new Date(desk.now + 3 * 60 * MINUTE).toISOString();
        desk.said({
          type: 'rate_limit',
          limit: 'rejected',
          scope: 'five_hour',
          resetsAt,
          retryAfterMs: null,
          utilization: 1,
        });
      },
    ],
  ])('%s', (_what, act) => {
    const desk = working();
    act(desk);
    times(6, () => {
      desk.now += 20 * MINUTE;
      desk.command({ verb: 'resume', agentId: 'nobody' });
    });
    expect(judged(desk)).toEqual([]);
  });

  it('and counts from the answer, not from before the question', () => {
    const desk = working();
    open(desk, 'rm -r build');
    ask(desk);
    desk.now += 3 * 60 * MINUTE;
    desk.record({ kind: 'answered', requestId: 'r-1', decision: 'allowed', by: 'user', text: null });
    pass(desk, 30 * MINUTE - 1);
    expect(judged(desk)).toEqual([]);
  });
});

describe('restarts', () => {
  it('count for the limit on restarts', () => {
    const desk = working();
    desk.settings = {
      ...desk.settings,
      restarts: { max: 1, withinMs: 60 * MINUTE },
      ladder: { ...desk.settings.ladder, nudges: 0, redirects: 0 },
    };
    pass(desk, 5 * MINUTE);
    comesBack(desk);
    nextTurn(desk);
    pass(desk, 10 * MINUTE);
    expect(judged(desk)).toEqual(['stalled:restart', 'stalled:restart']);
    expect(desk.agent()).toMatchObject({ state: 'failed', reason: expect.stringContaining('ended 2 times') });
  });

  it('are left out, like every rung, where its number is 0', () => {
    const desk = working();
    desk.settings = { ...desk.settings, ladder: { nudges: 0, redirects: 0, restarts: 0, fresh: 0 } };
    pass(desk, 5 * MINUTE);
    expect(judged(desk)).toEqual(['stalled:ask', 'stalled:alert']);
    expect(desk.agent()).toMatchObject({ state: 'failed' });
    expect(desk.orders()).toContain('stop');
  });

  it('begin at the lowest rung again when a person resumes', () => {
    const desk = working();
    desk.settings = { ...desk.settings, ladder: { nudges: 0, redirects: 0, restarts: 0, fresh: 0 } };
    pass(desk, 5 * MINUTE);
    desk.command({ verb: 'resume', agentId: ID });
    expect(desk.agent().ladder).toMatchObject({ rung: null, taken: {} });
  });
});

it('begins anew after enough calls with new results', () => {
  const desk = working();
  times(4, () => bash(desk, 'npm test', 'failed'));
  times(7, (i) => bash(desk, `cat ${i}`, `text ${i}`));
  expect(judged(desk)).toEqual(['call_loop:nudge']);
  bash(desk, 'cat 8', 'text 8');
  expect(judged(desk)).toEqual(['call_loop:nudge', 'recovered:reset']);
});

it('does not begin anew for calls that only fail in new ways', () => {
  const desk = working();
  times(10, (i) => bash(desk, `try ${i}`, `error ${i}`, { isError: true }));
  expect(judged(desk)).toEqual(['errors:note']);
  times(10, (i) => bash(desk, `try again ${i}`, `another error ${i}`, { isError: true }));
  expect(judged(desk)).toEqual(['errors:note', 'errors:nudge']);
});

it('says to a turn that is over its redirect what was seen, as its next message', () => {
  const desk = working();
  times(4, () => bash(desk, 'npm test', 'failed'));
  desk.confirm(desk.agent().ladder.message?.id ?? '', false);
  desk.done();
  times(4, () => bash(desk, 'npm test', 'failed'));
  expect(desk.orders()).toEqual(['interrupt']);
  desk.said(ended('interrupted'));
  expect(nextTurn(desk)).toContain('the same call with the same result 4 times in a row: bash: npm test');
});

it('holds an agent whose CLI retries without end, and takes the work up again later', () => {
  const desk = working();
  times(12, (i) => desk.said({ type: 'retry', attempt: i, max: null, delayMs: 500, error: 'overloaded' }));
  expect(judged(desk)).toEqual(['retrying:redirect']);
  expect(desk.orders()).toEqual(['interrupt']);
  expect(desk.agent()).toMatchObject({ state: 'limited', gate: 'limited' });
  desk.said(ended('interrupted'));
  pass(desk, 2 * MINUTE);
  expect(nextTurn(desk)).toContain('is over. Please go on');
});

it('tells a turn past its steps to come to an end, and a person when it does not', () => {
  const desk = working();
  desk.settings = { ...desk.settings, maxSteps: 20 };
  times(20, (i) => bash(desk, `cat ${i}`, `text ${i}`));
  expect(judged(desk)).toEqual([]);
  bash(desk, 'cat 20', 'text 20');
  expect(judged(desk)).toEqual(['max_steps:redirect']);
  desk.said(ended('interrupted'));
  expect(nextTurn(desk)).toContain('Come to an end');
});

it('starts a CLI anew that has not said a word since it was given a message', () => {
  const desk = new Desk().up();
  desk.send('m-1');
  pass(desk, 3 * MINUTE);
  expect(judged(desk)).toEqual(['mute:restart']);
});

it('starts a CLI anew that takes messages and begins no turn', () => {
  const desk = new Desk().up();
  desk.send('m-1');
  desk.confirm('m-1');
  for (let i = 0; i < 3; i++) {
    pass(desk, MINUTE);
    const sent = desk.agent().queue.find((m) => m.state === 'sent');
    if (sent) desk.confirm(sent.messageId);
  }
  expect(judged(desk)).toEqual(['unanswered:restart']);
});

it('leaves an idle agent alone, and costs it no timer', () => {
  const desk = working();
  desk.said(says('Done.'), ended('ok'));
  desk.now += 600 * MINUTE;
  expect(desk.input({ type: 'tick' }).events).toEqual([]);
  desk.said(TURN);
  expect(judged(desk)).toEqual([]);
});
