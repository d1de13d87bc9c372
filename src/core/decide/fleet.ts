/** Mass death: the fleet is held, one agent tries first, and when it stays up the others follow. Told to a person once. */
import { agentsOf } from '../agent.ts';
import type { JsonObject } from '../event.ts';
import { type FleetHold, lastDeath, massDeath, nextProbe, probeVerdict, waitsForFleet } from '../fleet/fleet.ts';
import type { AgentState } from '../state.ts';
import { iso, ms } from '../time.ts';
import type { Work } from './work.ts';

/** Names in the evidence. */
const NAMES_SHOWN = 8;

/** Before anything is started again: were the deaths of this step the last of many? */
export function noticeMassDeath(w: Work): void {
  if (w.state.fleet.hold !== null || !w.events.some(({ body }) => isDeath(body))) return;
  const found = massDeath(w.state, w.settings.massDeath, w.now);
  if (!found) return;
  const { died, of } = found;
  const seconds = Math.round(w.settings.massDeath.withinMs / 1_000);
  const names = died.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = died.length > names.length ? ` and ${died.length - names.length} more` : '';
  w.emit(
    null,
    {
      ...{ type: 'watchdog', layer: 3, verdict: 'mass_death', action: 'alert' },
      observation: `${died.length} of ${of} running agents ended within ${seconds} s: one cause is likely, so the fleet is held and one agent tries first`,
      evidence: `${names.join(' ')}${more}; last: ${lastReason(died)}`,
    },
    { by: 'supervisor', durable: true },
  );
  hold(w, { since: iso(w.now), attempt: 0, probe: null, triedLast: null, died: died.length, until: untilAfter(w, 0) });
  touchWaiting(w);
}

const isDeath = (body: Work['events'][number]['body']): boolean =>
  (body.type === 'exit' && body.cause !== 'asked' && body.cause !== 'by_design') ||
  (body.type === 'host' && body.phase === 'lost') ||
  (body.type === 'watchdog' && (body.verdict === 'host_hung' || body.verdict === 'cli_hung'));

const lastReason = (died: AgentState[]): string =>
  died.map((agent) => agent.cli.lastError?.message ?? agent.reason).findLast((reason) => reason !== null) ??
  'no reason known';

const untilAfter = (w: Work, attempt: number): string => {
  const { holdMs, capMs } = w.settings.massDeath;
  return iso(w.now + Math.min(capMs, holdMs * 2 ** Math.min(attempt, 20)));
};

function hold(w: Work, next: FleetHold | null): void {
  const args = { hold: next } as unknown as JsonObject;
  w.emit(
    null,
    {
      type: 'command',
      id: `fleet-${w.state.seq + 1}`,
      verb: 'fleet',
      by: 'supervisor',
      phase: 'done',
      args,
      result: null,
    },
    { by: 'supervisor', durable: true },
  );
}

/** The next step of a held fleet, if its time has come. */
export function tendFleet(w: Work): void {
  const current = w.state.fleet.hold;
  if (current === null) return;
  if (current.probe === null) {
    if (ms(current.until) <= w.now) choose(w, current);
    return;
  }
  const verdict = probeVerdict(w.state, current, w.now);
  if (verdict === 'trying') return;
  const { agentId } = current.probe;
  const name = w.state.agents[agentId]?.name ?? agentId;
  if (verdict === 'gone') choose(w, { ...current, probe: null, triedLast: agentId });
  else if (verdict === 'well') {
    say(w, `${name} runs again: the others follow`, 'fleet_well', 'release');
    release(w);
  } else {
    const attempt = current.attempt + 1;
    say(w, `${name} tried and ended as well`, 'fleet_ill', 'hold');
    hold(w, { ...current, attempt, probe: null, triedLast: agentId, until: untilAfter(w, attempt) });
    touchWaiting(w);
  }
}

/** Nobody waits any more: then there is nothing to hold. */
function choose(w: Work, current: FleetHold): void {
  const agent = nextProbe(w.state, current);
  if (!agent) {
    release(w);
    return;
  }
  hold(w, { ...current, probe: { agentId: agent.id, at: iso(w.now) } });
  touchWaiting(w);
}

function release(w: Work): void {
  hold(w, null);
  w.slotFreed = true;
}

function touchWaiting(w: Work): void {
  for (const { id } of agentsOf(w.state)) if (waitsForFleet(w.state.agents[id] as AgentState)) w.touched.add(id);
}

function say(w: Work, observation: string, verdict: string, action: string): void {
  const { since = iso(w.now), attempt = 0 } = w.state.fleet.hold ?? {};
  const evidence = `held since ${since}, attempt ${attempt + 1}`;
  w.emit(
    null,
    { type: 'watchdog', layer: 3, observation, verdict, action, evidence },
    { by: 'supervisor', durable: true },
  );
}

/** What was found dead at the start of a supervisor says nothing of a cause that lasts (a reboot). */
export function countDeathsFromHere(w: Work): void {
  const late = agentsOf(w.state).some((agent) => lastDeath(agent) > w.now - w.settings.massDeath.withinMs);
  if (!late) return;
  const id = `fleet-${w.state.seq + 1}`;
  const args: JsonObject = { countFrom: iso(w.now) };
  w.emit(null, { type: 'command', id, verb: 'fleet', by: 'supervisor', phase: 'done', args, result: null });
}
