/**
 * One schedule: agents, messages and faults from a seed; then the faults cease, and everything must come to rest as it should;
 * then all are stopped, and nothing may live.
 */
import { DEFAULTS } from '../../src/core/config/settings.ts';
import type { Settings } from '../../src/core/step.ts';
import { deed, fault, startSupervisor } from './faults.ts';
import { People } from './people.ts';
import { Run } from './run.ts';
import { shortTurn } from './short-turn.ts';
import { Broken, QUIET, type Rates, World } from './world.ts';

/** Steps of one phase; more means that it does not come to rest. */
const STEP_LIMIT = 30_000;

const SETTINGS: Settings = {
  ...DEFAULTS,
  restarts: { max: 5, withinMs: 600_000 },
  backoff: { baseMs: 1_000, capMs: 60_000, resetAfterMs: 600_000 },
  limit: { baseMs: 60_000, capMs: 900_000, graceMs: 3_000, fallbackAfterMs: 300_000 },
  budgets: { day: { usd: null, tokens: null }, accounts: {}, timezone: 'UTC', prices: [] },
  maxStarts: 2,
  maxAgents: 100,
  maxDepth: 2,
  massDeath: { agents: 2, withinMs: 10_000, holdMs: 5_000, capMs: 60_000 },
  notify: { ...DEFAULTS.notify, floor: 'info' },
  requests: { denyAfterMs: 30_000, auto: [] },
};

export interface Outcome {
  seed: number;
  broken: string | null;
  steps: number;
  /** Inputs that the core decided on. */
  decisions: number;
  events: number;
  effects: number;
  messages: number;
  trace: string[] | null;
}

function rates(world: World): Rates {
  const { chance } = world;
  const some = (most: number): number => (chance.is(0.5) ? 0 : chance.next() * most);
  return {
    // Now and then it hardly ever comes up, so that it is given up.
    startCrash: chance.is(0.05) ? 0.9 : some(0.3),
    startRefused: some(0.1),
    limit: some(0.2),
    failedTurn: some(0.1),
    hang: some(0.1),
    ask: some(0.2),
    lostConversation: chance.is(0.1) ? 0.2 : 0,
    hostStartFails: some(0.1),
    clearFails: some(0.2),
    slowAck: some(0.2),
    duplicate: some(0.3),
    orphan: 0.5,
  };
}

/** Runs one seed to its end. Never throws for a broken invariant: it is in the outcome. */
export function runSchedule(seed: number, options: { trace?: boolean; replayEach?: boolean } = {}): Outcome {
  const world = new World(seed, { rates: QUIET, settings: SETTINGS, trace: options.trace === true, turns: shortTurn });
  const people = new People(world);
  const run = new Run(world, people, STEP_LIMIT);
  let broken: string | null = null;
  try {
    world.rates = rates(world);
    disturb(run, seed);
    world.rates = { ...QUIET };
    run.settle();
    run.judge();
    run.stopAll();
  } catch (error) {
    if (!(error instanceof Broken) && !(error instanceof Error)) throw error;
    broken = error instanceof Broken ? error.message : (error.stack ?? error.message);
  }
  return {
    seed,
    broken,
    steps: run.steps,
    decisions: world.decisions,
    events: world.log.seq,
    effects: world.effects,
    messages: people.said.length,
    trace: world.trace,
  };
}

/** Every third agent has a cap, in tokens: apart from the schedule's own chance, so that older seeds stay what they are. */
const capOf = (n: number): number | null => (n % 3 === 0 ? 10 + ((n * 7) % 60) : null);

function disturb(run: Run, seed: number): void {
  const { world, people } = run;
  const { chance } = world;
  startSupervisor(world);
  const agents = chance.int(1, 3);
  world.after(100, () => {
    for (let i = 0; i < agents; i++) {
      const place = world.place(`agent-${i}`, `a${i}`);
      place.cap = capOf(seed + i);
      people.spawn(`agent-${i}`, `a${i}`, {
        ...(chance.is(0.5) ? { task: 'work' } : {}),
        parentId: i > 0 && chance.is(0.3) ? 'agent-0' : null,
        budget: { usd: null, tokens: place.cap },
      });
    }
  });
  const length = chance.int(5_000, 120_000);
  const deeds = chance.int(2, 9) * agents;
  for (let i = 0; i < deeds; i++) world.after(chance.int(150, length), () => deed(world, people));
  const faults = chance.int(0, 8);
  for (let i = 0; i < faults; i++) world.after(chance.int(150, length), () => fault(world));
  let over = false;
  world.after(length + 1, () => {
    over = true;
  });
  run.run(() => over);
}
