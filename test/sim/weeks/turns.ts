/** What the agents do in their turns: honest work of several kinds, some of which looks like trouble, and trouble. */
import type { DriverEventBody, JsonObject, ToolName } from '../../../src/core/event.ts';
import { iso } from '../../../src/core/time.ts';
import type { SimCli } from '../cli.ts';
import type { Pause, Turns } from '../world.ts';
import { type AilmentKind, isCured, show } from './ailment.ts';
import type { Member } from './member.ts';
import type { Answer, ModelServer } from './server.ts';

type Answered = Extract<Answer, { kind: 'answered' }>;

/** What turns need to know of the week. */
export interface Stage {
  server: ModelServer;
  member(placeId: string): Member;
  progressed(member: Member): void;
}

/** One turn under way. */
interface Turn {
  cli: SimCli;
  member: Member;
  stage: Stage;
  calls: number;
}

/** A step of a turn: false = the turn is over. */
type Steps = Generator<Pause, boolean>;

interface Call {
  tool: ToolName;
  args: JsonObject;
  result: string;
  isError?: boolean;
  /** Milliseconds; null = it never comes back. */
  takes: Pause;
}

/** Calls of the service that a CLI repeats by itself before it gives up. */
const RETRIES = 3;
/** A share of a budget is waited for so long. Milliseconds, and how often. */
const SHARE_POLL_MS = 500;
const SHARE_POLLS = 6;
const BEAT_MS = 30_000;

export const weekTurns = (stage: Stage): Turns =>
  function* (cli) {
    const member = stage.member(cli.place.id);
    const turn: Turn = { cli, member, stage, calls: 0 };
    member.turnAt = cli.world.trueNow;
    const { ailment } = member;
    if (ailment && isCured(ailment, cli)) recover(turn);
    if (member.ailment) {
      show(member.ailment, cli);
      member.doing = member.ailment.kind;
      cli.world.note(cli.label, `is ${member.doing}`);
      if (!(yield* AILING[member.ailment.kind](turn))) return;
    }
    yield* honest(turn);
  };

function recover({ member, cli }: Turn): void {
  cli.world.note(cli.label, `is CURED of ${member.ailment?.kind}`);
  member.ailment = null;
  member.curedAt = cli.world.trueNow;
}

// --- what every turn is made of --------------------------------------------------------------------------------------

/** A model call with the CLI's own retries; null = the turn has ended on it. */
function* think({ cli, member, stage }: Turn, most = 30_000): Generator<Pause, Answered | null> {
  const { chance } = cli.world;
  for (let attempt = 1; ; attempt++) {
    yield chance.int(20, 400);
    // Claude keeps to a cap that it was told, by itself.
    if (cli.maxUsd !== null && spent(cli).used >= cli.maxUsd) {
      cli.endBadly(bill({ cli, member, stage, calls: 0 }), 'budget');
      return null;
    }
    // Others are ended by their host after a call that no tool follows.
    const why = cli.maxUsd === null && !cli.host.budget.toolsRun ? cli.host.budget.usedUp : null;
    if (why !== null) {
      cli.host.endForBudget(cli, why);
      yield null;
    }
    const answer = stage.server.ask(member);
    if (answer.kind === 'answered') {
      // Some answers take minutes, without a word in between.
      yield chance.is(0.01) ? chance.int(60_000, 270_000) : chance.int(800, most);
      return answer;
    }
    yield chance.int(100, 1_500);
    if (answer.kind === 'refused') {
      cli.endBadly([refusal(answer.resetsAt), limitError], 'limit');
      return null;
    }
    if (attempt > RETRIES) {
      cli.endBadly([{ type: 'error', code: 'overloaded', message: 'overloaded', retryable: true }], 'error');
      return null;
    }
    const delayMs = chance.int(500, 4_000) * attempt;
    cli.out([{ type: 'retry', attempt, max: RETRIES, delayMs, error: 'overloaded' }]);
    yield delayMs;
  }
}

const refusal = (resetsAt: string | null): DriverEventBody => ({
  type: 'rate_limit',
  limit: 'rejected',
  scope: 'five_hour',
  resetsAt,
  retryAfterMs: null,
  utilization: 1,
});

const limitError: DriverEventBody = {
  type: 'error',
  code: 'usage_limit',
  message: 'usage limit reached',
  retryable: true,
};

/** What a process has used, and what of it it has not reported yet. USD. */
const spending = new WeakMap<SimCli, { used: number; unreported: number }>();

const spent = (cli: SimCli): { used: number; unreported: number } => {
  const known = spending.get(cli) ?? { used: 0, unreported: 0 };
  spending.set(cli, known);
  return known;
};

/** Claude reports what its process cost at the end of a turn, others with the tokens. */
function used({ cli, member }: Turn, { tokens, usd }: Answered): DriverEventBody {
  const { model } = member.spec;
  const known = spent(cli);
  known.used += usd;
  if (member.spec.cli !== 'claude') return usage(tokens, usd, model);
  known.unreported += usd;
  return usage(tokens, null, model);
}

/** With the end of a turn, what its process has cost since the last one. */
function bill({ cli, member }: Turn): DriverEventBody[] {
  const { unreported } = spent(cli);
  spent(cli).unreported = 0;
  return member.spec.cli === 'claude' && unreported > 0 ? [usage(0, unreported, null)] : [];
}

const usage = (tokens: number, costUsd: number | null, model: string | null): DriverEventBody => ({
  type: 'usage',
  input: tokens,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  costUsd,
  contextUsed: null,
  contextLimit: null,
  model,
  estimated: false,
});

/** A model call that ends in a tool call, and the tool's run. */
function* act(turn: Turn, call: Call): Steps {
  const answer = yield* think(turn);
  return answer !== null && (yield* run(turn, answer, call));
}

function* run(turn: Turn, answer: Answered, call: Call, asks = false): Steps {
  const { cli } = turn;
  const callId = `${cli.incarnation}.${cli.turnNumber}.${++turn.calls}`;
  const { tool, args } = call;
  cli.out([used(turn, answer), { type: 'tool_call', callId, tool, args, nativeTool: tool }]);
  if (!(yield* allowed(turn, callId))) return false;
  if (asks) {
    turn.member.asksAt = cli.world.trueNow;
    yield cli.ask(callId);
    turn.member.asksAt = null;
  }
  yield call.takes;
  const isError = call.isError === true;
  cli.out([{ type: 'tool_result', callId, tool, result: call.result, isError, tokens: null, durationMs: call.takes }]);
  return true;
}

/** The host judges the call: a cap that is used up refuses it, and the turn with it. */
function* allowed({ cli }: Turn, callId: string): Steps {
  const { budget } = cli.host;
  for (let polls = 0; budget.waiting && polls < SHARE_POLLS; polls++) yield SHARE_POLL_MS;
  const why = budget.waiting ? 'its share of a budget is used up' : budget.refuses(callId);
  if (why === null) return true;
  cli.host.endForBudget(cli, why);
  // A host that does not hear it any more does not end it either.
  yield null;
  return false;
}

const said = (content: string): DriverEventBody => ({
  type: 'message',
  role: 'assistant',
  content,
  from: null,
  messageId: null,
});

/** The last model call: words. */
function* end(turn: Turn, words: string): Steps {
  const answer = yield* think(turn);
  if (answer === null) return false;
  const { cli, member, stage } = turn;
  const events = [used(turn, answer), said(words)];
  cli.endWell([...events, ...bill(turn)]);
  stage.progressed(member);
  return false;
}

// --- honest work -----------------------------------------------------------------------------------------------------

/** Something that was not there before. */
const fresh = ({ world }: SimCli): string => {
  world.serial += 1;
  return `new-${world.serial}`;
};

function* honestCall(turn: Turn, call: Call): Steps {
  if (!(yield* act(turn, call))) return false;
  turn.stage.progressed(turn.member);
  return true;
}

const HONEST: [weight: number, name: string, steps: (turn: Turn) => Steps][] = [
  [70, 'working', working],
  [10, 'testing', testing],
  [5, 'polling', polling],
  [5, 'building', building],
  [4, 'asking', asking],
  [2, 'writing', writing],
  [2, 'compacting-once', compactingOnce],
];

function* honest(turn: Turn): Steps {
  const { chance } = turn.cli.world;
  let left = chance.next() * HONEST.reduce((sum, [weight]) => sum + weight, 0);
  const [, name, steps] =
    HONEST.find(([weight]) => {
      left -= weight;
      return left < 0;
    }) ?? (HONEST[0] as (typeof HONEST)[0]);
  turn.member.doing = name;
  turn.cli.world.note(turn.cli.label, `is ${name}`);
  if (!(yield* steps(turn))) return false;
  const words = chance.is(0.03) ? 'Shall I also do the other half?' : `Done: ${fresh(turn.cli)}.`;
  return yield* end(turn, words);
}

function* working(turn: Turn): Steps {
  const { cli } = turn;
  const { chance } = cli.world;
  for (let left = chance.int(2, 24); left > 0; left--) {
    const what = fresh(cli);
    const call = chance.of<Call>([
      { tool: 'read', args: { path: what }, result: what, takes: 50 },
      { tool: 'bash', args: { command: `do ${what}` }, result: what, takes: chance.int(100, 20_000) },
      { tool: 'bash', args: { command: 'npm test' }, result: `ok ${what}`, takes: chance.int(1_000, 90_000) },
      { tool: 'edit', args: { path: 'a.ts', old_string: what, new_string: `${what}!` }, result: 'ok', takes: 80 },
      {
        tool: 'bash',
        args: { command: `try ${what}` },
        result: `failed: ${what}`,
        isError: chance.is(0.5),
        takes: 500,
      },
    ]);
    if (!(yield* honestCall(turn, call))) return false;
  }
  return true;
}

/** Edit, test, edit, test: the test says the same for long. */
function* testing(turn: Turn): Steps {
  const { cli } = turn;
  const { chance } = cli.world;
  for (let left = chance.int(3, 12); left > 0; left--) {
    const what = fresh(cli);
    const edit: Call = {
      tool: 'edit',
      args: { path: 'b.ts', old_string: what, new_string: 'x' },
      result: 'ok',
      takes: 80,
    };
    if (!(yield* honestCall(turn, edit))) return false;
    const test: Call = {
      tool: 'bash',
      args: { command: 'npm test' },
      result: '1 failed',
      takes: chance.int(2_000, 60_000),
    };
    if (!(yield* honestCall(turn, { ...test, isError: true }))) return false;
    // Now and then it looks at what it has done.
    if (chance.is(0.3)) {
      const read: Call = { tool: 'read', args: { path: what }, result: what, takes: 50 };
      if (!(yield* honestCall(turn, read))) return false;
    }
  }
  return true;
}

function* polling(turn: Turn): Steps {
  const { chance } = turn.cli.world;
  const command = 'sleep 60 && gh run view 7';
  for (let left = chance.int(3, 40); left > 0; left--) {
    const call: Call = { tool: 'bash', args: { command }, result: 'in progress', takes: chance.int(60_000, 61_000) };
    if (!(yield* honestCall(turn, call))) return false;
  }
  return yield* honestCall(turn, { tool: 'bash', args: { command }, result: 'success', takes: 60_500 });
}

/** Silent for up to the limit of a tool. */
function* building(turn: Turn): Steps {
  const { chance } = turn.cli.world;
  const takes = chance.int(300_000, 1_750_000);
  return yield* honestCall(turn, { tool: 'bash', args: { command: 'make world' }, result: fresh(turn.cli), takes });
}

function* asking(turn: Turn): Steps {
  const answer = yield* think(turn);
  if (answer === null) return false;
  const call: Call = { tool: 'bash', args: { command: 'git push' }, result: fresh(turn.cli), takes: 2_000 };
  if (!(yield* run(turn, answer, call, true))) return false;
  turn.stage.progressed(turn.member);
  return true;
}

/** A long answer streams in: its host beats, and no event says so. */
function* writing(turn: Turn): Steps {
  const { cli } = turn;
  const { world, place } = cli;
  if ((yield* think(turn, 1_000)) === null) return false;
  for (let left = world.chance.int(8, 60); left > 0; left--) {
    yield BEAT_MS;
    // A host that is stopped says nothing.
    if (place.host?.alive && !place.host.frozen) world.supervisor?.heard.set(place.id, iso(world.now));
  }
  return true;
}

function* compactingOnce(turn: Turn): Steps {
  turn.cli.out([{ type: 'compaction', trigger: 'auto', before: 180_000, after: 30_000 }]);
  return yield* working(turn);
}

// --- trouble ---------------------------------------------------------------------------------------------------------

const CIRCLE = ['src/a.ts', 'src/b.ts', 'src/c.ts'];

/** Until it is cured by what was said to it meanwhile. */
function* again(turn: Turn, step: (round: number) => Steps): Steps {
  for (let round = 0; ; round++) {
    if (!(yield* step(round))) return false;
    const { ailment } = turn.member;
    if (ailment && !isCured(ailment, turn.cli)) continue;
    if (ailment) recover(turn);
    return true;
  }
}

/** Nothing more comes by itself. */
function* silence(): Steps {
  yield null;
  return false;
}

const AILING: Record<AilmentKind, (turn: Turn) => Steps> = {
  *stalled(turn) {
    return (yield* think(turn)) !== null && (yield* silence());
  },
  *hung({ cli }) {
    cli.deaf = true;
    return yield* silence();
  },
  *'endless-tool'(turn) {
    return yield* act(turn, { tool: 'bash', args: { command: 'make' }, result: '', takes: null });
  },
  *'loop-of-one'(turn) {
    return yield* again(turn, () => act(turn, { tool: 'read', args: { path: 'a' }, result: 'none', takes: 300 }));
  },
  *'loop-of-three'(turn) {
    return yield* again(turn, (round) => {
      const path = CIRCLE[round % CIRCLE.length] as string;
      return act(turn, { tool: 'read', args: { path }, result: `seen ${path}`, takes: 300 });
    });
  },
  *'loop-of-words'(turn) {
    return yield* again(turn, function* () {
      const answer = yield* think(turn);
      if (answer === null) return false;
      const content = 'Let me look at this once more, from the beginning, with fresh eyes.';
      turn.cli.out([used(turn, answer), { type: 'thinking', content, tokens: null }]);
      return true;
    });
  },
  *undoing(turn) {
    return yield* again(turn, (round) => {
      const [from, to] = round % 2 === 0 ? ['tabs', 'spaces'] : ['spaces', 'tabs'];
      const args = { path: 'a.ts', old_string: from as string, new_string: to as string };
      return act(turn, { tool: 'edit', args, result: `now ${to}`, takes: 80 });
    });
  },
  *compacting(turn) {
    return yield* again(turn, function* () {
      const answer = yield* think(turn);
      if (answer === null) return false;
      turn.cli.out([used(turn, answer), { type: 'compaction', trigger: 'auto', before: 180_000, after: 179_000 }]);
      return true;
    });
  },
  *failing(turn) {
    return yield* again(turn, () => {
      const what = fresh(turn.cli);
      return act(turn, { tool: 'bash', args: { command: what }, result: `no ${what}`, isError: true, takes: 200 });
    });
  },
};
