/**
 * The first layer of the watchdog, against what the agents really do.
 * Honest work is never nudged, interrupted or restarted. The ladder only goes up: between two rungs it begins anew only if the agent got on
 * or a person acted; no rung is taken more often than it may be, and none is skipped. Whoever is stuck is dealt with again within 45 min, and
 * gets on, or is handed to a person, within 4 h.
 */
import type { TuttiEvent } from '../../../src/core/event.ts';
import type { AgentState } from '../../../src/core/state.ts';
import type { World } from '../world.ts';
import { AILMENTS } from './ailment.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';

type WatchdogEvent = Extract<TuttiEvent, { type: 'watchdog' }>;

const RUNGS = ['note', 'nudge', 'redirect', 'restart', 'fresh', 'hand_over', 'ask'];
/** Findings that are met with the mildest means first. */
const MILD_FIRST = new Set(['stalled', 'tool_limit', 'call_loop', 'call_cycle', 'undo_loop']);
const STEPS = ['nudge', 'redirect', 'restart', 'fresh'];
/** What an agent can be found to do. What is said of a turn that is over, of the service or of money is something else. */
const FINDINGS = new Set([...MILD_FIRST, 'mute', 'unanswered', 'compacting', 'text_loop', 'errors', 'max_steps']);

/** What piled up while nobody read is judged within this of its reading. */
const LATE_MS = 60_000;
const REACTION_MS = 45 * 60_000;
const STUCK_MS = 4 * 3_600_000;
/** States in which a person sees that it does not work, and why. */
const VISIBLE = new Set(['waiting', 'limited', 'failed', 'backoff', 'paused', 'stopped', 'stopping', 'done']);

/** A turn that is ill stays so, though its agent was given up or cured. */
const SICK: ReadonlySet<string> = new Set(AILMENTS);

interface Climb {
  /** It may have begun higher up: what was tried before a person or a power loss came is not known. */
  blind: boolean;
  rung: number;
  taken: Map<string, number>;
  /** Progress when the last rung was taken, and when that was. True time. */
  progress: number;
  at: number;
}

interface Track {
  climb: Climb | null;
  /** Something was done about it; it was seen by people. True times. */
  reactedAt: number;
  visibleAt: number;
}

export class LadderOracle {
  readonly #fleet: Fleet;
  readonly #world: World;
  readonly #tracks = new Map<Member, Track>();
  readonly counts = new Map<string, number>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#world = fleet.world;
  }

  #track(member: Member): Track {
    const track = this.#tracks.get(member) ?? { climb: null, reactedAt: 0, visibleAt: 0 };
    this.#tracks.set(member, track);
    return track;
  }

  /** A person took it in hand: what was tried before may not count any more. */
  pardon(member: Member): void {
    this.#track(member).climb = blindClimb(member);
  }

  /** The log was cut: what it forgot cannot be counted. */
  forget(): void {
    for (const [member, track] of this.#tracks) track.climb = blindClimb(member);
  }

  event(member: Member, event: TuttiEvent): void {
    const track = this.#track(member);
    if (event.type === 'exit' || event.type === 'host') track.reactedAt = this.#world.trueNow;
    if (event.type !== 'watchdog') return;
    const name = `${event.verdict} ${event.action}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    if (event.action === 'reset') this.#reset(member, track);
    const rung = RUNGS.indexOf(event.action);
    if (rung === -1 || event.layer !== 1 || !FINDINGS.has(event.verdict)) return;
    track.reactedAt = this.#world.trueNow;
    if (rung > 0) this.#judgeHonest(member, event);
    this.#climb(member, track, event, rung);
  }

  #reset(member: Member, track: Track): void {
    const { climb } = track;
    track.climb = null;
    this.#world.check(
      climb === null || climb.rung === -1 || member.progress > climb.progress || this.#readLate(member, climb.at),
      () => `${member.place.name}: the ladder begins anew, and nothing got on since its last rung`,
    );
  }

  #climb(member: Member, track: Track, { verdict, action }: WatchdogEvent, rung: number): void {
    const { place, progress } = member;
    track.climb ??= { ...blindClimb(member), blind: false };
    const { climb } = track;
    if (MILD_FIRST.has(verdict) && !climb.blind) {
      const skipped = STEPS.find((step, i) =>
        i < STEPS.indexOf(action) || action === 'ask' ? !this.#done(climb, step) : false,
      );
      this.#world.check(
        skipped === undefined,
        () => `${place.name}: ${action} for ${verdict}, and ${skipped} was skipped`,
      );
    }
    const times = (climb.taken.get(action) ?? 0) + 1;
    const most = this.#most(action);
    this.#world.check(times <= most, () => `${place.name}: ${action} is done ${times} times, ${most} are allowed`);
    climb.taken.set(action, times);
    climb.rung = rung;
    climb.progress = progress;
    climb.at = this.#world.trueNow;
  }

  /** What was judged then had happened earlier. */
  #readLate(member: Member, at: number): boolean {
    return Math.max(member.shakenAt, this.#fleet.inChargeSince ?? at) >= at - LATE_MS;
  }

  #done(climb: Climb, step: string): boolean {
    return climb.rung > RUNGS.indexOf(step) || (climb.taken.get(step) ?? 0) > 0;
  }

  #most(rung: string): number {
    const { nudges, redirects, restarts, fresh } = this.#world.settings.ladder;
    const most: Record<string, number> = { note: 1, nudge: nudges, redirect: redirects, restart: restarts, fresh };
    return most[rung] ?? Number.POSITIVE_INFINITY;
  }

  #judgeHonest(member: Member, { verdict, action, observation }: WatchdogEvent): void {
    if (member.ailment || SICK.has(member.doing) || member.curedAt >= member.turnAt) return;
    const { inChargeSince, clockAt, server } = this.#fleet;
    const disturbed = Math.max(member.shakenAt, clockAt, inChargeSince ?? this.#world.trueNow, server.stormAt);
    this.#world.check(
      disturbed >= member.turnAt,
      () =>
        `${member.place.name} works honestly (${member.doing}), and gets a ${action} for ${verdict}: ${observation}`,
    );
  }

  /** From time to time: does anybody stand still? */
  look(member: Member, agent: AgentState | undefined): void {
    const now = this.#world.trueNow;
    const { inChargeSince, clockAt } = this.#fleet;
    const track = this.#track(member);
    if (!agent || inChargeSince === null || !hasWork(member, agent)) {
      track.visibleAt = now;
      return;
    }
    if (VISIBLE.has(agent.state)) track.visibleAt = now;
    const since = Math.max(member.progressAt, track.visibleAt, inChargeSince, clockAt);
    const what = (): string =>
      `${member.place.name} (${member.doing}, shown as ${agent.state}) has not got on for ${Math.round((now - since) / 60_000)} min`;
    this.#world.check(now - since <= STUCK_MS, () => `${what()}: neither recovered nor handed to a person`);
    const reacted = Math.max(since, track.reactedAt, member.handledAt, member.pushedAt);
    this.#world.check(now - reacted <= REACTION_MS, () => `${what()}, and nothing was done about it`);
  }
}

const blindClimb = ({ progress }: Member): Climb => ({ blind: true, rung: -1, taken: new Map(), progress, at: 0 });

function hasWork({ place }: Member, agent: AgentState): boolean {
  if (agent.wanted !== 'up') return false;
  return place.host?.cli?.turn === true || agent.queue.length > 0 || agent.owes !== null || agent.cli.turnCutShort;
}
