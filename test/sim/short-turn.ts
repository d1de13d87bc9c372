/** The turns of the short schedules: a few calls, a question now and then, and an end that is not always good. */
import type { DriverEventBody } from '../../src/core/event.ts';
import type { SimCli } from './cli.ts';
import type { Conversation, Pause } from './world.ts';

/** Rounds of a turn that goes in circles. */
const CIRCLES = 200;

export function shortTurn(cli: SimCli): Generator<Pause, void> {
  return steps(cli, cli.world.chance.int(0, 3));
}

function* steps(cli: SimCli, count: number): Generator<Pause, void> {
  const { chance, rates } = cli.world;
  const pause = (): number => chance.int(20, 3_000);
  yield cli.call(pause());
  const cursed = cli.conversation?.cursed ?? null;
  if (cursed !== null || chance.is(rates.hang)) yield* hang(cli, cursed);
  for (let left = count - 1; left >= 0; left--) {
    const callId = `call-${cli.incarnation}-${cli.turnNumber}-${left}`;
    cli.out([{ type: 'tool_call', callId, tool: 'bash', args: { command: 'make' }, nativeTool: 'Bash' }]);
    if (chance.is(rates.ask)) yield cli.ask(callId);
    yield cli.call(pause());
  }
  if (chance.is(rates.limit)) cli.endBadly([limit(chance.is(0.5) ? chance.int(1_000, 200_000) : null)], 'limit');
  else if (chance.is(rates.failedTurn)) {
    cli.endBadly([{ type: 'error', code: 'overloaded', message: 'overloaded', retryable: true }], 'error');
  } else cli.endWell([{ type: 'message', role: 'assistant', content: 'done', from: null, messageId: null }]);
}

/** It does not get on; in some conversations it never will. */
function* hang(cli: SimCli, cursed: Conversation['cursed']): Generator<Pause, void> {
  const { chance } = cli.world;
  const how = cursed ?? chance.of(['silent', 'deaf', 'circles'] as const);
  cli.world.note(cli.label, `HANGS: ${how}`);
  if (cli.conversation && chance.is(0.3)) cli.conversation.cursed = how;
  cli.deaf = how === 'deaf';
  if (how === 'circles') yield* circle(cli);
  yield null;
}

/** The same call again and again. Where nobody ends it (a pause, no supervisor) it falls silent, so that the run comes to rest. */
function* circle(cli: SimCli): Generator<Pause, void> {
  for (let n = 0; n < CIRCLES; n++) {
    const callId = `circle-${cli.incarnation}-${cli.turnNumber}-${n}`;
    const result = { result: 'made', isError: false, tokens: null, durationMs: null };
    cli.out([
      { type: 'tool_call', callId, tool: 'bash', args: { command: 'make' }, nativeTool: 'Bash' },
      { type: 'tool_result', callId, tool: 'bash', ...result },
    ]);
    yield cli.world.chance.int(500, 3_000);
  }
}

const limit = (retryAfterMs: number | null): DriverEventBody => ({
  type: 'rate_limit',
  limit: 'rejected',
  scope: 'five_hour',
  resetsAt: null,
  retryAfterMs,
  utilization: 1,
});
