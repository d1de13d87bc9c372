/** Schedules through the facade: listed with their next time, added by people and by agents for themselves, removed. */
import { declaredSchedule, scheduleList, SHORTEST_INTERVAL_MS } from '../core/config/schedules.ts';
import type { JsonObject } from '../core/event.ts';
import { isTimeZone } from '../core/local-time.ts';
import { type Schedule, scheduleDue, scheduleId, type ScheduleState, type When } from '../core/schedule/schedule.ts';
import type { AgentState, State } from '../core/state.ts';
import { iso } from '../core/time.ts';
import { type KnownCaller, requireBelow } from './access.ts';
import { type Facade, Refusal, type ScheduleOrder, type ScheduleView } from './facade.ts';
import { accepted, checkSecrets, enter, invalid, submit, type Writing } from './facade-enter.ts';
import { findAgent } from './facade-reads.ts';
import type { Cron } from './ports.ts';

type Schedules = Pick<Facade, 'schedules' | 'schedule' | 'unschedule'>;

/** Schedules that one agent may keep. */
const PER_AGENT = 20;

export function createSchedules(running: Writing): Schedules {
  const { loop, supervisor } = running;
  const { cron, clock } = supervisor.ports;
  const view = (schedule: ScheduleState): ScheduleView => ({ ...schedule, next: nextOf(schedule, cron) });
  return {
    schedules: () =>
      Object.values(loop.state.schedules)
        .map(view)
        .toSorted((a, b) => (a.next ?? '~').localeCompare(b.next ?? '~')),
    async schedule(order, asker) {
      const caller = await enter(running, asker);
      const agent = findAgent(loop.state, order.agent);
      if (agent.id !== caller.agent?.id) requireBelow(loop.state, caller, agent);
      checkSecrets(running, order.message);
      requireRoom(loop.state, caller);
      const schedule = scheduleOf(order, agent, caller, { state: loop.state, cron, now: clock.now() });
      accepted(await submit(running, asker, caller, { verb: 'schedule', schedule }));
      const kept = loop.state.schedules[schedule.id];
      // One that is due at once may be over already.
      return kept ? view(kept) : { ...schedule, ...UNKEPT, createdAt: iso(clock.now()), next: null };
    },
    async unschedule(ref, asker) {
      const caller = await enter(running, asker);
      const known = findSchedule(loop.state, ref);
      if (caller.agent && known.by !== caller.agent.name) {
        const message = `${known.name} was not scheduled by ${caller.agent.name}: an agent may remove only its own schedules`;
        throw new Refusal({ code: 'DENIED', message, hint: 'a person can, outside the agent' });
      }
      accepted(await submit(running, asker, caller, { verb: 'unschedule', scheduleId: known.id }));
      return { id: known.id, name: known.name };
    },
  };
}

const UNKEPT = { lastSlot: null, lastOutcome: null, lastMessageId: null, fired: 0 } as const;

function nextOf(schedule: ScheduleState, cron: Cron): string | null {
  const { when } = schedule;
  const next = when.kind === 'cron' ? cron.next(when.cron, when.timeZone) : scheduleDue(schedule);
  return next === null ? null : iso(next);
}

function requireRoom(state: State, { agent }: KnownCaller): void {
  if (!agent) return;
  const own = Object.values(state.schedules).filter(({ by }) => by === agent.name).length;
  if (own < PER_AGENT) return;
  const message = `${agent.name} has ${own} schedules, the most that an agent may keep`;
  throw new Refusal({ code: 'CONFLICT', message, hint: 'tutti schedule rm those that are no longer needed' }, 429);
}

/** By id (`project.name`), or by a name that is given once. */
function findSchedule(state: State, ref: string): ScheduleState {
  const all = Object.values(state.schedules);
  const found = all.filter(({ id, name }) => id === ref || name === ref);
  const [only] = found;
  if (only && found.length === 1) return only;
  const hint = only ? `name one of: ${found.map(({ id }) => id).join(' ')}` : 'tutti schedule ls lists them';
  const message = only ? `several schedules are called ${ref}` : `no schedule ${ref}`;
  throw new Refusal({ code: only ? 'CONFLICT' : 'NOT_FOUND', message, hint });
}

interface Surroundings {
  state: State;
  cron: Cron;
  now: number;
}

function scheduleOf(order: ScheduleOrder, agent: AgentState, caller: KnownCaller, around: Surroundings): Schedule {
  const { project } = agent;
  const name = order.name ?? freeName(around.state, project, agent.name);
  const by = caller.agent?.name ?? 'user';
  const when = whenOf(order, around);
  const { message, missed } = order;
  return {
    id: scheduleId(project, name),
    name,
    project,
    agent: agent.name,
    message,
    when,
    missed,
    by,
    declared: false,
  };
}

/** `alice-1`, `alice-2` … within the length of a name. */
function freeName(state: State, project: string, agent: string): string {
  for (let n = 1; ; n += 1) {
    const name = `${agent.slice(0, 27)}-${n}`;
    if (!(scheduleId(project, name) in state.schedules)) return name;
  }
}

function whenOf(order: ScheduleOrder, { cron, now }: Surroundings): When {
  if (order.cron !== null) {
    checkCron(cron, order.cron, order.timezone);
    return { kind: 'cron', cron: order.cron, timeZone: order.timezone };
  }
  if (order.everyMs !== null) {
    if (order.everyMs < SHORTEST_INTERVAL_MS) throw invalid('an interval of less than a minute', 'the shortest is 1m');
    return { kind: 'every', everyMs: order.everyMs };
  }
  const at = order.at === null ? now + (order.inMs ?? 0) : Date.parse(order.at);
  if (at < now) throw invalid(`${iso(at)} is past`, 'name a time to come, or --in 30m');
  return { kind: 'at', at: iso(at) };
}

function checkCron(cron: Cron, expression: string, timeZone: string | null): void {
  const problem = cron.problem(expression);
  if (problem !== null) throw invalid(`cron ${JSON.stringify(expression)}: ${problem}`, 'for example "0 9 * * 1-5"');
  if (timeZone !== null && !isTimeZone(timeZone))
    throw invalid(`no such time zone: ${timeZone}`, 'for example Europe/Berlin');
}

/** The `schedules` of a project's file; checked here once more, for the file comes over the wire. */
export function declaredSchedules(cron: Cron, project: string, config: JsonObject): Schedule[] {
  const parsed = scheduleList.safeParse(config.schedules ?? []);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(
      `schedules.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
      'tutti config check names the line',
    );
  }
  return parsed.data.map((entry) => {
    const schedule = declaredSchedule(project, entry);
    if (schedule.when.kind === 'cron') checkCron(cron, schedule.when.cron, schedule.when.timeZone);
    return schedule;
  });
}
