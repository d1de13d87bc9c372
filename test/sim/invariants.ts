/** What must hold after every step, whatever has happened. */
import { isDeepStrictEqual } from 'node:util';
import { nextDue } from '../../src/core/due.ts';
import type { State } from '../../src/core/state.ts';
import type { Effect, Input, Step } from '../../src/core/step.ts';
import { FINDING_KINDS, RUNGS } from '../../src/core/watchdog/types.ts';
import type { World } from './world.ts';

/** More effects than this for one input, and for each agent, are a storm. */
const EFFECTS_PER_STEP = 35;
const EFFECTS_PER_AGENT = 5;

type Taken = Map<string, { epoch: number; n: number }>;

export function checkState(world: World, state: State, step: Step, input: Input, taken: Taken): void {
  checkOnce(world, state, step, taken);
  checkStarts(world, step, state);
  checkLadder(world, step);
  checkLimits(world, step, state);
  world.check(state.seq === world.log.seq, () => `seq is ${state.seq} after ${world.log.seq} events`);
  const most = EFFECTS_PER_STEP + EFFECTS_PER_AGENT * world.places.size;
  world.check(step.effects.length <= most, () => `${step.effects.length} effects for one ${input.type}`);
  if (input.type === 'tick') {
    world.check(step.events.length > 0, () => 'a deadline passed and nothing came of it: it is due for ever');
  }
  for (const event of step.events) {
    if (event.agentId === null) continue;
    const agent = state.agents[event.agentId];
    if (!agent) continue;
    const onTheWay = agent.queue.filter((m) => m.state === 'sent' && !m.unsure && !m.now).length;
    world.check(onTheWay <= 1, () => `${agent.name} has ${onTheWay} messages on their way at once`);
  }
}

/** Each journal record is taken in once. */
function checkOnce(world: World, state: State, step: Step, taken: Taken): void {
  for (const { agentId, src } of step.events) {
    const known = agentId === null ? undefined : taken.get(agentId);
    if (!src || !known) continue;
    const later = src.epoch > known.epoch || (src.epoch === known.epoch && src.n > known.n);
    world.check(later, () => `record ${src.epoch}.${src.n} is read a second time`);
  }
  for (const { agentId } of step.events) {
    const cursor = agentId === null ? null : state.agents[agentId]?.cursor;
    if (agentId !== null && cursor) taken.set(agentId, cursor);
  }
}

/** Said of a service that does not answer, or of a turn that is over: no rungs. */
const NO_RUNGS: ReadonlySet<string> = new Set(['retrying', 'no_change', 'denied', 'question', 'surrender']);
const CLIMBS: ReadonlySet<string> = new Set(FINDING_KINDS.filter((kind) => !NO_RUNGS.has(kind)));

/** The ladder goes up until something succeeds, or a person looks at it anew. */
function checkLadder(world: World, step: Step): void {
  for (const { agentId, body } of step.events) {
    if (agentId === null) continue;
    const anew = body.type === 'command' && ['resume', 'restart', 'apply', 'declare'].includes(body.verb);
    if (anew || (body.type === 'watchdog' && body.action === 'reset')) world.rungs.delete(agentId);
    if (body.type !== 'watchdog' || body.layer !== 1 || !CLIMBS.has(body.verdict)) continue;
    const rung = (RUNGS as readonly string[]).indexOf(body.action);
    if (rung === -1) continue;
    const highest = world.rungs.get(agentId) ?? 0;
    world.check(rung >= highest, () => `${body.action} comes after ${RUNGS[highest]}: the ladder goes down`);
    world.rungs.set(agentId, rung);
    // A message may then be in the old conversation and in the new one.
    const place = world.places.get(agentId);
    if (place && body.action === 'fresh') place.strayed = true;
  }
}

/** Nothing starts while wanted is down, for an unknown host, or more often than allowed. */
export function checkEffect(world: World, state: State, effect: Effect): void {
  if (!('agentId' in effect)) return;
  const agent = state.agents[effect.agentId];
  const starts = effect.do === 'start_host' || (effect.do === 'host_command' && effect.verb === 'start');
  if (!starts || !agent) return;
  world.check(!agent.removing, () => `${agent.name} is started while it is being removed`);
  if (effect.do !== 'host_command') return;
  const place = world.place(agent.id, agent.name);
  const { max, withinMs } = world.settings.restarts;
  const recent = place.crashes.filter((at) => at > world.now - withinMs).length;
  world.check(recent <= max, () => `${agent.name} is started after ${recent} crashes, ${max} are allowed`);
}

/** At the decision itself: wanted is what the log says, so nothing may be ordered against it. */
function checkStarts(world: World, step: Step, state: State): void {
  for (const effect of step.effects) {
    const starts = effect.do === 'start_host' || (effect.do === 'host_command' && effect.verb === 'start');
    if (!starts) continue;
    const agent = state.agents[effect.agentId];
    world.check(
      agent !== undefined && agent.wanted !== 'down',
      () => `${effect.do} while ${agent?.name} is wanted ${agent?.wanted}`,
    );
  }
}

/** Nobody of an account that met a limit is given a message, but the one that tries; and nobody tries before the reset unless a person wants it. */
function checkLimits(world: World, step: Step, state: State): void {
  for (const { body, cause } of step.events) {
    if (body.type !== 'account' || body.phase !== 'probe' || body.probe === null || cause?.by !== 'supervisor')
      continue;
    const { until } = state.accounts[body.account] ?? {};
    world.check(Date.parse(until ?? '') <= world.now, () => `somebody tries at ${world.now} before ${until}`);
  }
  for (const effect of step.effects) {
    if (effect.do !== 'host_command' || (effect.verb !== 'message' && effect.verb !== 'confirm')) continue;
    const agent = state.agents[effect.agentId];
    const account = state.accounts[agent?.spec.account ?? ''];
    // What was given to a host before the limit was met is given again with the same id: the host has done it.
    const given = step.events.some(({ body }) => body.type === 'delivery' && body.messageId === effect.id);
    if (!agent || account?.limit !== 'rejected' || !given) continue;
    world.check(
      account.probe?.agentId === agent.id,
      () => `${agent.name} is given a message while its account is limited`,
    );
  }
}

/** `state = reduce*(log)`. */
export function checkReplay(world: World, state: State): void {
  const replayed = world.log.replay();
  // Mostly they are even written alike, which is found out faster.
  if (JSON.stringify(state) === JSON.stringify(replayed)) return;
  world.check(isDeepStrictEqual(JSON.parse(JSON.stringify(state)), JSON.parse(JSON.stringify(replayed))), () => {
    const differing = Object.keys(state.agents).filter(
      (id) => JSON.stringify(state.agents[id]) !== JSON.stringify(replayed.agents[id]),
    );
    return `state is not what the log says (${differing.join(', ') || 'not an agent'})`;
  });
}

/** What the supervisor keeps of deadlines is what the state says. */
export function checkDue(world: World, state: State, due: number | null): void {
  const whole = nextDue(state, world.settings);
  world.check(due === whole, () => `due at ${due}, and the whole state says ${whole}`);
}
