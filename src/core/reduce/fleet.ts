/** A fleet that is held after a mass death, and released. */
import type { FleetHold } from '../fleet/fleet.ts';
import type { State } from '../state.ts';
import type { EventOf } from './index.ts';

export function onFleet(state: State, event: EventOf<'command'>): void {
  const args = event.args ?? {};
  if (typeof args.countFrom === 'string') state.fleet = { ...state.fleet, countFrom: args.countFrom };
  if (args.hold !== undefined) state.fleet = { ...state.fleet, hold: args.hold as unknown as FleetHold | null };
}

/** A person asks for a try: nobody waits for another any more. */
export function releaseFleet(state: State): void {
  if (state.fleet.hold !== null) state.fleet = { ...state.fleet, hold: null };
}
