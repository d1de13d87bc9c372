/** The daily digest: asked for at its time of day, and told like an alert. */
import type { JsonObject } from '../event.ts';
import { nextMinuteOfDay } from '../local-time.ts';
import type { State } from '../state.ts';
import type { Effect, Input, Settings } from '../step.ts';
import { iso, ms } from '../time.ts';
import type { Work } from './work.ts';

/** When it is due; null = there is none. Milliseconds since the epoch. */
export function digestDue({ digest }: State, { notify }: Settings): number | null {
  if (notify.digestAt === null || digest.from === null || digest.pending !== null) return null;
  return nextMinuteOfDay(ms(digest.from) + 1, notify.digestAt, notify.timeZone);
}

/** The first span begins where the digest was configured; one that was asked for and not answered is asked for again. */
export function beginDigests(w: Work): void {
  const { digest } = w.state;
  if (w.settings.notify.digestAt === null) return;
  if (digest.from === null) record(w, 'done', { from: iso(w.now) });
  if (digest.pending !== null) w.effect({ do: 'digest', ...digest.pending });
}

export function askForDigest(w: Work): void {
  const due = digestDue(w.state, w.settings);
  if (due === null || due > w.now || w.state.digest.from === null) return;
  const span = { since: w.state.digest.from, until: iso(w.now) };
  record(w, 'accepted', span);
  w.effect({ do: 'digest', ...span });
}

/** `value` is its text; null = nothing happened that is worth a word. */
export function onDigest(
  w: Work,
  effect: Extract<Effect, { do: 'digest' }>,
  input: Extract<Input, { type: 'effect_done' }>,
): void {
  if (w.state.digest.pending?.until !== effect.until) return;
  record(w, input.ok ? 'done' : 'failed', { from: effect.until });
  const text = input.ok ? input.value : `the digest could not be made: ${input.error.message}`;
  if (typeof text !== 'string') return;
  w.emit(
    null,
    { type: 'watchdog', layer: 3, observation: text, verdict: 'digest', action: 'alert', evidence: '' },
    { by: 'supervisor' },
  );
}

function record(w: Work, phase: 'accepted' | 'done' | 'failed', args: JsonObject): void {
  const id = `digest-${w.state.seq + 1}`;
  w.emit(null, { type: 'command', id, verb: 'digest', by: 'supervisor', phase, args, result: null }, { durable: true });
}
