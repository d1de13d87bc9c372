/** Text of which at most `limit` characters are kept: the first half and the last half, with a note in between. */
export class Clipped {
  readonly #limit: number;
  #head = '';
  #tail = '';
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#length += text.length;
    const half = Math.floor(this.#limit / 2);
    const room = Math.max(0, half - this.#head.length);
    this.#head += text.slice(0, room);
    this.#tail += text.slice(room);
    // Cut in large steps, not at every piece.
    if (this.#tail.length > this.#limit * 2) this.#tail = this.#tail.slice(-half);
  }

  text(): string {
    if (this.#length <= this.#limit) return this.#head + this.#tail;
    const half = Math.floor(this.#limit / 2);
    const left = this.#length - this.#head.length - half;
    return `${this.#head}\n… ${left} characters left out …\n${this.#tail.slice(-half)}`;
  }
}

/** A whole text clipped at once. */
export function clip(text: string, limit: number): string {
  const clipped = new Clipped(limit);
  clipped.add(text);
  return clipped.text();
}
