/** Something that is done at an interval while it is switched on, and costs nothing while it is off. */
import { clock } from '../system/clock.ts';

export class Beat {
  readonly #everyMs: number;
  readonly #run: () => void;
  #timer: { cancel(): void } | null = null;

  constructor(everyMs: number, run: () => void) {
    this.#everyMs = everyMs;
    this.#run = run;
  }

  on(): void {
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = null;
      this.on();
      this.#run();
    }, this.#everyMs);
  }

  off(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
