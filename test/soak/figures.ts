/** The table of a soak: recovery times by kind of fault. */
export interface Recovery {
  kind: string;
  agent: string;
  /** Milliseconds until it worked again; null = it was handed to a person first. */
  ms: number | null;
  /** The reason that the person read. */
  handed: string | null;
}

export interface Row {
  kind: string;
  count: number;
  handed: number;
  medianS: number;
  p99S: number;
  maxS: number;
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

/** Nearest rank: the smallest value that `share` of all are not above. */
const rank = (sorted: number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;

export function rows(recoveries: Recovery[]): Row[] {
  const kinds = [...new Set(recoveries.map(({ kind }) => kind))].sort();
  return kinds.map((kind) => {
    const mine = recoveries.filter((r) => r.kind === kind);
    const times = mine.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((a, b) => a - b);
    return {
      kind,
      count: mine.length,
      handed: mine.filter(({ handed }) => handed !== null).length,
      medianS: seconds(rank(times, 0.5)),
      p99S: seconds(rank(times, 0.99)),
      maxS: seconds(times.at(-1) ?? 0),
    };
  });
}

export function table(all: Row[]): string {
  const line = (r: Row): string => `| ${r.kind} | ${r.count} | ${r.handed} | ${r.medianS} | ${r.p99S} | ${r.maxS} |`;
  return [
    '| fault | times | handed to a person | median s | p99 s | longest s |',
    '|---|---|---|---|---|---|',
    ...all.map(line),
  ].join('\n');
}
