/**
 * What people are told. Never more notifications than the configured rate, urgent ones aside; one alert for a cause within an hour, and a
 * limit of an account is one cause, however many agents it holds; whoever waits for a person, or has given up, is named within 90 min.
 */
import type { Alert, Notification } from '../../../src/core/alerts/alert.ts';
import type { AgentState } from '../../../src/core/state.ts';
import type { World } from '../world.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';

const NAMED_WITHIN_MS = 90 * 60_000;

export class AlertsOracle {
  readonly #fleet: Fleet;
  readonly #world: World;
  #sent: number[] = [];
  /** When each cause was last told, and each member last named. True times. */
  readonly #told = new Map<string, number>();
  readonly #named = new Map<Member, number>();
  notifications = 0;
  alerts = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#world = fleet.world;
  }

  notified({ severity, alerts, more }: Notification): void {
    const now = this.#world.trueNow;
    this.notifications += 1;
    this.alerts += alerts.length + more;
    for (const alert of alerts) this.#hear(alert, now);
    if (severity === 'urgent' || this.#afterRestart(now)) return;
    const { max, withinMs } = this.#world.settings.notify.rate;
    this.#sent = [...this.#sent.filter((at) => at > now - withinMs), now];
    this.#world.check(
      this.#sent.length <= max,
      () => `${this.#sent.length} notifications within ${withinMs / 60_000} min, ${max} are allowed`,
    );
  }

  /** What was on its way when a supervisor died is told again: it may not have arrived. */
  #afterRestart(now: number): boolean {
    return now - (this.#fleet.inChargeSince ?? now) < 60_000 || !this.#fleet.isCalm(now - 3_600_000);
  }

  #hear(alert: Alert, now: number): void {
    const member = alert.agentId === null ? null : this.#fleet.find(alert.agentId);
    if (member) this.#named.set(member, now);
    const cause = this.#cause(alert, member);
    const last = this.#told.get(cause) ?? 0;
    this.#told.set(cause, now);
    const news = Math.max(member?.pushedAt ?? 0, member?.handledAt ?? 0, this.#fleet.inChargeSince ?? now);
    const { repeatMs } = this.#world.settings.notify;
    this.#world.check(
      now - last >= repeatMs - 5_000 || news >= last || this.#afterRestart(now),
      () => `people are told twice within ${Math.round((now - last) / 60_000)} min of ${cause}: ${alert.text}`,
    );
  }

  /** In the world's terms, not in those of the alert's own key. */
  #cause({ text, key }: Alert, member: Member | null): string {
    const limit = /^account \S+ is held by a limit|limit reached/.test(text);
    return limit ? `the limit of ${member?.account ?? text.split(' ')[1]}` : key;
  }

  /** From time to time: does somebody wait whom nobody was told of? */
  look(member: Member, agent: AgentState | undefined): void {
    if (agent?.state !== 'failed' && agent?.state !== 'waiting') return;
    const since = Date.parse(agent.since) - this.#world.wrong;
    const now = this.#world.trueNow;
    const { inChargeSince, clockAt } = this.#fleet;
    if (inChargeSince === null || now - Math.max(since, inChargeSince, clockAt) < NAMED_WITHIN_MS) return;
    const { repeatMs } = this.#world.settings.notify;
    this.#world.check(
      (this.#named.get(member) ?? 0) >= since - repeatMs,
      () => `${member.place.name} is ${agent.state} (${agent.reason}) since ${agent.since}, and nobody was told`,
    );
  }
}
