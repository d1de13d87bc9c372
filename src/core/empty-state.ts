/** Where a home begins. */
import { noAlerts } from './alerts/alert.ts';
import { calmFleet } from './fleet/fleet.ts';
import { nothingFound } from './patrol/survey.ts';
import { STATE_VERSION, type State } from './state.ts';

/** The state of a home without a past. */
export function emptyState(logId: string): State {
  return {
    v: STATE_VERSION,
    logId,
    seq: 0,
    agents: {},
    removing: {},
    projects: {},
    accounts: {},
    commands: {},
    fleet: calmFleet(),
    patrol: nothingFound(),
    digest: { from: null, pending: null },
    schedules: {},
    alerts: noAlerts(),
    advice: { day: '', calls: 0, tokens: 0 },
    totals: { events: 0, raw: 0 },
    purses: {},
  };
}
