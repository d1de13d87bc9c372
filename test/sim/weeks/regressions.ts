/** Weeks that once broke an invariant, and what it was: run for ever. A change of the simulation itself may make one pass idly. */
export const REGRESSIONS: { seed: number; agents: number; days: number; what: string }[] = [];
