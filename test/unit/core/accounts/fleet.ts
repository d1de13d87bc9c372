/** Several agents of one account at a desk, and what is done to them in these tests again and again. */
import type { DriverEventBody } from '../../../../src/core/event.ts';
import type { AgentSpec, AccountState } from '../../../../src/core/state.ts';
import { iso } from '../../../../src/core/time.ts';
import { Desk, ended, T0, TURN } from '../desk.ts';

export const ACCOUNT = 'claude:default';
export const idOf = (i: number): string => `a-${i}`;

export const rejected = (
  told: { resetsAt?: number; retryAfterMs?: number; scope?: string | null } = {},
): DriverEventBody => ({
  type: 'rate_limit',
  limit: 'rejected',
  scope: told.scope === undefined ? 'five_hour' : told.scope,
  resetsAt: told.resetsAt === undefined ? null : iso(told.resetsAt),
  retryAfterMs: told.retryAfterMs ?? null,
  utilization: 1,
});

export const THOUGHT: DriverEventBody = { type: 'thinking', content: 'on', tokens: null };

export class FleetDesk extends Desk {
  /** Agents a-1 … a-n, all ready. */
  fleet(n: number, spec: Partial<AgentSpec> = {}): this {
    for (let i = 1; i <= n; i++) this.up(spec, idOf(i), `n${i}`);
    return this;
  }

  /** A message, delivered; its turn has begun. */
  working(id: string): void {
    this.send(`m-${id}`, { id });
    this.confirm(`m-${id}`, true, id);
    this.saidBy(id, TURN);
  }

  /** Its turn is refused. */
  refused(id: string, told: Parameters<typeof rejected>[0] = {}): void {
    this.saidBy(id, rejected(told), ended('limit'));
  }

  account(key = ACCOUNT): AccountState {
    const account = this.state.accounts[key];
    if (!account) throw new Error(`account ${key} has met no limit`);
    return account;
  }

  /** Ids of the agents that a message was given to since the last look. */
  asked(): string[] {
    return this.done().flatMap((e) =>
      e.do === 'host_command' && (e.verb === 'message' || e.verb === 'confirm') ? [e.agentId] : [],
    );
  }

  /** What was given to it is taken, its turn begins. */
  takes(id: string): void {
    const sent = this.agent(id).queue.find((m) => m.state === 'sent');
    if (!sent) throw new Error(`nothing was sent to ${id}`);
    this.confirm(sent.messageId, true, id);
    this.saidBy(id, TURN);
  }

  /** A step of the clock after the other until this time, at every moment that is due. */
  until(ms: number, stepMs = 500): void {
    while (this.now < T0 + ms) this.wait(Math.min(stepMs, T0 + ms - this.now));
  }
}
