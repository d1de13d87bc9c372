/** The turns of the short schedules: a few calls, a question now and then, and an end that is not always good. */
import type { DriverEventBody } from '../../src/core/event.ts';
import type { SimCli } from './cli.ts';
import type { Pause } from './world.ts';

export function shortTurn(cli: SimCli): Generator<Pause, void> {
  return steps(cli, cli.world.chance.int(0, 3));
}

function* steps(cli: SimCli, count: number): Generator<Pause, void> {
  const { chance, rates } = cli.world;
  const pause = (): number => chance.int(20, 3_000);
  yield pause();
  for (let left = count - 1; left >= 0; left--) {
    const callId = `call-${cli.incarnation}-${cli.turnNumber}-${left}`;
    cli.out([{ type: 'tool_call', callId, tool: 'bash', args: { command: 'make' }, nativeTool: 'Bash' }]);
    if (chance.is(rates.ask)) yield cli.ask(callId);
    yield pause();
  }
  if (chance.is(rates.limit)) cli.endBadly([limit(chance.is(0.5) ? chance.int(1_000, 200_000) : null)], 'limit');
  else if (chance.is(rates.failedTurn)) {
    cli.endBadly([{ type: 'error', code: 'overloaded', message: 'overloaded', retryable: true }], 'error');
  } else cli.endWell([{ type: 'message', role: 'assistant', content: 'done', from: null, messageId: null }]);
}

const limit = (retryAfterMs: number | null): DriverEventBody => ({
  type: 'rate_limit',
  limit: 'rejected',
  scope: 'five_hour',
  resetsAt: null,
  retryAfterMs,
  utilization: 1,
});
