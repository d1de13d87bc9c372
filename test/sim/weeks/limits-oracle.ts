/**
 * Limits, as the server sees them. Once the supervisor could know of an account's refusal:
 * from 5 s on nobody of that account asks the model before the reset (without a believable one: before the backoff of 60 s doubling to
 * 15 min is over), and before that each agent at most once. Then one agent tries; nobody else does for 19 s, unless it is answered.
 * When it was, every agent whose work was held up goes on within 60 s. Whom a person pushes may always try.
 */
import type { State } from '../../../src/core/state.ts';
import type { World } from '../world.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';
import type { Answer } from './server.ts';

/** What comes within this of the first refusal was on its way. Milliseconds. */
const GRACE_MS = 5_000;
const PROBE_ALONE_MS = 19_000;
const RESUMED_WITHIN_MS = 60_000;
const FARTHEST_MS = 8 * 24 * 3_600_000;

interface Hold {
  /** The first refusal, and when nobody may ask before. True times. */
  from: number;
  until: number;
  /** When a refusal of it was on record. null = nobody can know. */
  recordedAt: number | null;
  /** Who asked since. */
  asked: Set<Member>;
  /** Who tries now that it should be over. */
  probe: { member: Member; at: number } | null;
}

interface Book {
  hold: Hold | null;
  /** Holds in a row. */
  attempt: number;
}

export class LimitsOracle {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #books = new Map<string, Book>();
  /** Holds that were looked at to their end. */
  holds = 0;
  resumed = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#world = fleet.world;
  }

  #book(account: string): Book {
    const book = this.#books.get(account) ?? { hold: null, attempt: 0 };
    this.#books.set(account, book);
    return book;
  }

  request(member: Member, answer: Answer): void {
    const book = this.#book(member.account);
    const now = this.#world.trueNow;
    if (book.hold) this.#judge(member, book.hold, now);
    if (answer.kind === 'refused') this.#refused(book, answer.resetsAt, now);
    else if (answer.kind === 'answered' && book.hold) this.#answered(member, book, book.hold, now);
  }

  /** A refusal is on record in a journal. */
  recorded({ account }: Member): void {
    const { hold } = this.#book(account);
    if (hold) hold.recordedAt ??= this.#world.trueNow;
  }

  /** The power took the record of it. */
  lost({ account }: Member): void {
    const { hold } = this.#book(account);
    if (hold) hold.recordedAt = null;
  }

  #refused(book: Book, resetsAt: string | null, now: number): void {
    const { limit } = this.#world.settings;
    const ahead = resetsAt === null ? 0 : Date.parse(resetsAt) - this.#world.now;
    const told = ahead > 0 && ahead <= FARTHEST_MS ? now + ahead : null;
    const { hold } = book;
    if (hold && now < hold.until) {
      if (told !== null) hold.until = Math.max(hold.until, told);
      return;
    }
    book.attempt += 1;
    const backoff = Math.min(limit.capMs, limit.baseMs * 2 ** (book.attempt - 1));
    this.holds += 1;
    book.hold = { from: now, until: told ?? now + backoff, recordedAt: null, asked: new Set(), probe: null };
  }

  #judge(member: Member, hold: Hold, now: number): void {
    if (member.pushedAt >= hold.from) return;
    if (now >= hold.until) {
      this.#judgeProbe(member, hold, now);
      return;
    }
    const again = hold.asked.has(member);
    hold.asked.add(member);
    const { inChargeSince } = this.#fleet;
    if (inChargeSince === null || hold.recordedAt === null) return;
    const known = Math.max(hold.from, hold.recordedAt, inChargeSince, member.shakenAt);
    this.#world.check(
      now <= known + GRACE_MS,
      () =>
        `${member.place.name} asks the model ${seconds(now - known)} s after its account's limit could be known, ${seconds(hold.until - now)} s before its end${again ? ', again' : ''}`,
    );
  }

  #judgeProbe(member: Member, hold: Hold, now: number): void {
    const { probe } = hold;
    if (!probe) {
      hold.probe = { member, at: now };
      return;
    }
    if (probe.member === member || now > probe.at + PROBE_ALONE_MS || !tries(probe.member)) return;
    const undisturbed = Math.max(this.#fleet.inChargeSince ?? now, probe.member.shakenAt, probe.member.pushedAt);
    this.#world.check(
      undisturbed >= probe.at - GRACE_MS || hold.recordedAt === null,
      () => `${member.place.name} tries ${seconds(now - probe.at)} s after ${probe.member.place.name} began to`,
    );
  }

  #answered(member: Member, book: Book, hold: Hold, now: number): void {
    const before = now < hold.until;
    book.hold = null;
    book.attempt = 0;
    if (before || member.pushedAt >= hold.from || hold.recordedAt === null) return;
    const waiting = this.#fleet.members.filter((other) => other !== member && this.#waits(other));
    this.#world.after(RESUMED_WITHIN_MS, () => {
      for (const other of waiting) this.#judgeResumed(other, now);
    });
  }

  /** It could go on, and only its account kept it. */
  #waits(member: Member): boolean {
    const agent = this.#state?.agents[member.place.id];
    return agent?.state === 'limited' && agent.gate === null && !agent.cli.turn;
  }

  get #state(): State | null {
    return this.#world.supervisor?.state ?? null;
  }

  #judgeResumed(member: Member, since: number): void {
    const { inChargeSince, server } = this.#fleet;
    if (inChargeSince === null || inChargeSince > since || member.shakenAt > since || server.storming) return;
    // Limited anew meanwhile, or held back by something else.
    const agent = this.#state?.agents[member.place.id];
    if (!agent || this.#book(member.account).hold || agent.gate !== null || agent.wanted !== 'up') return;
    if (this.#fleet.isImpaired(member) || Object.keys(agent.requests).length > 0 || !this.#fleet.isCalm(since)) return;
    this.resumed += 1;
    this.#world.check(
      member.turnAt >= since || member.progressAt >= since,
      () => `${member.place.name} has not gone on ${RESUMED_WITHIN_MS / 1_000} s after its account's limit was over`,
    );
  }
}

/** Its turn still runs: a service that was overloaded has ended many a try. */
const tries = ({ place }: Member): boolean => place.host?.cli?.turn === true;

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
