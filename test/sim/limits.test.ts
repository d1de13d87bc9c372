/** Twenty agents on one account that meets a limit, in virtual time, with deaths in between: every request that reaches the model is counted. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/core/config/settings.ts';
import type { DriverEventBody } from '../../src/core/event.ts';
import { iso } from '../../src/core/time.ts';
import type { SimCli } from './cli.ts';
import { startSupervisor } from './faults.ts';
import { People } from './people.ts';
import { Run } from './run.ts';
import { type Pause, QUIET, START, World } from './world.ts';

const AGENTS = 20;
const SEEDS = 25;
/** When the account is limited, and when that is over. Milliseconds from the start. */
const LIMIT_AT = 30_000;
const RESET_AT = 120_000;
const SILENT_AFTER_MS = 5_000;
const ALL_ON_MS = 60_000;
const STEPS = 400_000;

interface Request {
  at: number;
  agent: string;
  refused: boolean;
}

const rejected = (resetsAt: string | null): DriverEventBody => ({
  type: 'rate_limit',
  limit: 'rejected',
  scope: 'five_hour',
  resetsAt,
  retryAfterMs: null,
  utilization: 1,
});

/** The shared model: works on and on, a request after each command, and ends its turns once the limit has been over for long. */
function sharedModel(requests: Request[]): (cli: SimCli) => Generator<Pause, void> {
  return function* turn(cli) {
    const { world } = cli;
    for (let n = 0; ; n++) {
      const at = world.now - START;
      const refused = at >= LIMIT_AT && at < RESET_AT;
      requests.push({ at, agent: cli.place.id, refused });
      if (refused) {
        yield world.chance.int(10, 200);
        cli.endBadly([rejected(iso(START + RESET_AT))], 'limit');
        return;
      }
      yield cli.call(world.chance.int(100, 1_500));
      if (at > RESET_AT + ALL_ON_MS) {
        cli.endWell([]);
        return;
      }
      const callId = `call-${cli.incarnation}-${cli.turnNumber}-${n}`;
      cli.out([{ type: 'tool_call', callId, tool: 'bash', args: { command: 'make' }, nativeTool: 'Bash' }]);
      // Some commands are long: their turns have to be ended.
      yield world.chance.is(0.1) ? world.chance.int(20_000, 200_000) : world.chance.int(100, 2_000);
    }
  };
}

/** One run. @param deaths whether the supervisor and half the pane hosts die while the account is limited */
function runOf(seed: number, deaths: boolean): { requests: Request[]; world: World } {
  const requests: Request[] = [];
  const settings = { ...DEFAULTS, maxStarts: 4 };
  const world = new World(seed, { rates: QUIET, settings, trace: false, turns: sharedModel(requests) });
  const people = new People(world);
  startSupervisor(world);
  world.after(100, () => {
    for (let i = 0; i < AGENTS; i++) {
      world.place(`agent-${i}`, `a${i}`);
      people.spawn(`agent-${i}`, `a${i}`, { task: 'work' });
    }
  });
  if (deaths) {
    const at = world.chance.int(LIMIT_AT + SILENT_AFTER_MS, RESET_AT - 30_000);
    world.after(at, () => {
      world.supervisor?.kill();
      for (let i = 0; i < AGENTS; i += 2) world.places.get(`agent-${i}`)?.host?.kill();
    });
    world.after(at + world.chance.int(100, 20_000), () => startSupervisor(world));
  }
  let over = false;
  world.after(RESET_AT + ALL_ON_MS + 1_000, () => {
    over = true;
  });
  new Run(world, people, STEPS).run(() => over);
  return { requests, world };
}

function judged(seed: number, deaths: boolean): string[] {
  const { requests, world } = runOf(seed, deaths);
  const first = requests.find(({ refused }) => refused)?.at ?? Number.NaN;
  const held = requests.filter(({ at }) => at > first + SILENT_AFTER_MS && at < RESET_AT);
  const after = requests.filter(({ at }) => at >= RESET_AT);
  const agents = [...world.places.keys()];
  const twice = agents.filter((id) => requests.filter((r) => r.agent === id && r.refused).length > 1);
  const late = agents.filter((id) => !after.some((r) => r.agent === id && r.at < RESET_AT + ALL_ON_MS));
  const [probe] = after;
  const beside = after.filter((r) => r.agent !== probe?.agent && r.at < (probe?.at ?? 0) + 100);
  const strayed = [...world.places.values()].filter(({ conversations }) => conversations.size !== 1);
  return [
    ...(Number.isNaN(first) ? ['nobody was refused'] : []),
    ...held.map(({ at, agent }) => `${agent} asked ${at - first} ms after the first refusal`),
    ...twice.map((id) => `${id} was refused twice`),
    ...late.map((id) => `${id} did not go on in time`),
    ...beside.map(({ agent }) => `${agent} went on beside the one that tries`),
    ...strayed.map(({ id }) => `${id} lost its conversation`),
  ].map((what) => `seed ${seed}: ${what}`);
}

describe(`${AGENTS} agents on one account that meets a limit`, () => {
  it.each([
    ['while all lives', false],
    ['while the supervisor and half the pane hosts die', true],
  ])('fall silent in time, go on one first and all within a minute, %s', (_what, deaths) => {
    expect(Array.from({ length: SEEDS }, (_, seed) => judged(seed, deaths)).flat()).toEqual([]);
  });
});
