/** Virtual time and seeded chance: the same seed gives the same run, step by step. */

/** mulberry32: small, fast, good enough to spread faults. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** [0,1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Whole number in [low, high]. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  is(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }
}

interface Entry {
  at: number;
  order: number;
  run: () => void;
}

/** A heap of things to come; time only moves when the next of them runs. Milliseconds. */
export class Agenda {
  now: number;
  #heap: Entry[] = [];
  #order = 0;

  constructor(start: number) {
    this.now = start;
  }

  get size(): number {
    return this.#heap.length;
  }

  after(delay: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at: this.now + Math.max(0, delay), order: this.#order++, run });
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i] as Entry, heap[parent] as Entry)) break;
      swap(heap, i, parent);
      i = parent;
    }
  }

  /** Runs the next thing; false when there is none. */
  step(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (!first) return false;
    const last = heap.pop() as Entry;
    if (heap.length > 0) {
      heap[0] = last;
      sink(heap);
    }
    this.now = first.at;
    first.run();
    return true;
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function swap(heap: Entry[], i: number, j: number): void {
  const kept = heap[i] as Entry;
  heap[i] = heap[j] as Entry;
  heap[j] = kept;
}

function sink(heap: Entry[]): void {
  for (let i = 0; ; ) {
    let least = i;
    for (const child of [2 * i + 1, 2 * i + 2]) {
      if (child < heap.length && before(heap[child] as Entry, heap[least] as Entry)) least = child;
    }
    if (least === i) return;
    swap(heap, i, least);
    i = least;
  }
}
