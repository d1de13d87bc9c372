/** Whether layer 2 may still be asked today. */
import type { State } from '../state.ts';
import type { Settings } from '../step.ts';
import { iso } from '../time.ts';

/** The day (UTC) of a time. */
export const dayOf = (at: string): string => at.slice(0, 10);

/** Switched on, and neither calls nor tokens of this day are used up. */
export function adviceLeft({ advice }: State, { adviceMs, advicePerDay }: Settings, now: number): boolean {
  if (adviceMs === 0) return false;
  if (advice.day !== dayOf(iso(now))) return true;
  return advice.calls < advicePerDay.calls && advice.tokens < advicePerDay.tokens;
}
