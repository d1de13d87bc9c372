/** Times as the log writes them, and as policies count with them. Pure: the time is always given. */
import type { IsoTime } from './event.ts';

/** Milliseconds since the epoch → ISO 8601 UTC with milliseconds. */
export const iso = (ms: number): IsoTime => new Date(ms).toISOString();

/** ISO time → milliseconds since the epoch; 0 for a text that is no time, so that a damaged one is long past. */
export function ms(time: IsoTime): number {
  const value = Date.parse(time);
  return Number.isNaN(value) ? 0 : value;
}
