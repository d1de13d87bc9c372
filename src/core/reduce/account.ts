/** What becomes of an account's limit, and of the agents' work that it interrupted. */
import { accountOf } from '../accounts/keys.ts';
import { ACCOUNTS_KEPT } from '../limits.ts';
import type { AccountState, State } from '../state.ts';
import type { EventOf, Reducer } from './index.ts';
import { oweWork } from './turn.ts';

type AccountEvent = EventOf<'account'>;

const fresh = (at: string): AccountState => ({
  limit: 'allowed',
  scope: null,
  resetsAt: null,
  since: at,
  firstAt: at,
  until: null,
  attempt: 0,
  probe: null,
  turns: {},
  openedAt: null,
  warned: null,
});

export const onAccount: Reducer<'account'> = (state, event, agent) => {
  const known = accountOf(state, event.account) ?? fresh(event.at);
  state.accounts = { ...state.accounts, [event.account]: PHASES[event.phase ?? 'near'](known, event) };
  if (event.phase === 'refused' && agent) oweWork(agent, event.at);
  forgetOld(state);
};

/** Replaced, never changed in place: a draft of the state shares them. */
const PHASES = {
  near: (known, event) => ({
    ...known,
    limit: event.limit,
    scope: event.scope ?? null,
    resetsAt: event.resetsAt,
    warned: event.limit === 'warning' ? windowOf(event) : known.warned,
  }),
  held,
  // One that was refused before the limit was found to be over changes nothing for the others.
  refused: (known, event) => (event.limit === 'rejected' ? held(known, event) : known),
  probe: (known, event) => ({
    ...known,
    probe: event.probe === undefined || event.probe === null ? null : { agentId: event.probe, at: event.at },
  }),
  open: (known, event) => ({
    ...known,
    limit: 'allowed',
    resetsAt: null,
    until: null,
    attempt: event.attempt ?? 0,
    probe: null,
    turns: event.turns ?? {},
    openedAt: event.at,
  }),
  turn: (known, event) => {
    const { [event.agentId ?? '']: _come, ...turns } = known.turns;
    return { ...known, turns };
  },
  clock: (known, event) => ({ ...known, since: event.at, until: event.until ?? known.until }),
} satisfies Record<NonNullable<AccountEvent['phase']>, (known: AccountState, event: AccountEvent) => AccountState>;

function held(known: AccountState, event: AccountEvent): AccountState {
  const attempt = event.attempt ?? known.attempt;
  const anew = known.limit !== 'rejected' || attempt !== known.attempt;
  return {
    ...known,
    limit: 'rejected',
    scope: event.scope ?? known.scope,
    resetsAt: event.resetsAt,
    since: anew ? event.at : known.since,
    firstAt: known.limit === 'rejected' ? known.firstAt : event.at,
    until: event.until ?? known.until,
    attempt,
    probe: anew ? null : known.probe,
    turns: {},
  };
}

/** A window is warned of once: by its name and its end. */
export const windowOf = (event: { scope?: string | null; resetsAt: string | null }): string =>
  `${event.scope ?? ''} ${event.resetsAt ?? ''}`;

function forgetOld(state: State): void {
  const keys = Object.keys(state.accounts);
  if (keys.length <= ACCOUNTS_KEPT) return;
  const idle = keys.find((key) => state.accounts[key]?.limit === 'allowed');
  if (idle !== undefined) delete state.accounts[idle];
}
