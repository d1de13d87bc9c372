/** The fleet of a week: its agents, the server they ask, and who is in charge of them. */
import type { World } from '../world.ts';
import type { Member } from './member.ts';
import type { ModelServer } from './server.ts';

export class Fleet {
  readonly world: World;
  readonly server: ModelServer;
  readonly members: Member[] = [];
  readonly #byPlace = new Map<string, Member>();
  #recoveredAt: number | null = null;
  /** The machine slept, or its clock was set. True time. */
  clockAt = 0;

  constructor(world: World, server: ModelServer) {
    this.world = world;
    this.server = server;
  }

  add(member: Member): void {
    this.members.push(member);
    this.#byPlace.set(member.place.id, member);
  }

  member(placeId: string): Member {
    const member = this.#byPlace.get(placeId);
    if (!member) throw new Error(`no member ${placeId}`);
    return member;
  }

  find(placeId: string): Member | null {
    return this.#byPlace.get(placeId) ?? null;
  }

  recovered(): void {
    this.#recoveredAt = this.world.trueNow;
  }

  /** Since when a supervisor that has recovered runs. True time; null = none does. */
  get inChargeSince(): number | null {
    const { supervisor } = this.world;
    return supervisor?.alive && !supervisor.recovering ? this.#recoveredAt : null;
  }

  /** A new result, or a turn that ended well. */
  progressed(member: Member): void {
    member.progressAt = this.world.trueNow;
    member.progress += 1;
  }

  /** Something of it does not move at this moment. */
  isImpaired({ place, ailment }: Member): boolean {
    const { host } = place;
    return ailment !== null || !host?.alive || host.frozen || !host.cli?.alive || host.cli.frozen || host.cli.deaf;
  }

  /** Was nothing done to the machine since then? True time. */
  isCalm(since: number): boolean {
    return this.clockAt <= since;
  }
}
