/**
 * Many schedules or weeks on all cores, or one with its trace.
 *
 *     npm run sim -- [--from N] [--count N] [--failures N]      short schedules: 1–3 agents, a few minutes
 *     npm run sim -- --seed N                                   one of them, and what happened
 *     npm run sim -- --weeks N [--from N] [--agents N] [--days N] [--failures N]      weeks of twenty agents
 *     npm run sim -- --week N [--agents N] [--days N] [--lines N]      one of them, and the end of what happened (0 = all that is kept)
 *
 * `--count 0` runs until it is interrupted. Exit 0 = every invariant held, 1 = one was broken (its seed is printed).
 */
import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { runSchedule } from './schedule.ts';
import { runWeek, WEEK, type WeekOptions } from './weeks/week.ts';

/** Failing seeds before it gives up, where `--failures` names no other number. */
const FAILURES = 10;
/** Lines of a week's trace that are printed. */
const LINES = 500;

/** What is repeated: how one seed is run, and how many seeds a worker takes at a time. */
type Kind = { name: 'schedules' } | { name: 'weeks'; options: WeekOptions };
const BATCH = { schedules: 100, weeks: 1 } as const satisfies Record<Kind['name'], number>;
/** Runs between two signs of life. */
const TELL_EACH = { schedules: 10_000, weeks: 10 } as const satisfies Record<Kind['name'], number>;

/** Most of what a run makes is soon forgotten: room for it spares the collector a tenth of the time. */
const YOUNG = { maxYoungGenerationSizeMb: 96 };

interface Order {
  kind: Kind;
  from: number;
  count: number;
  failures: number;
}

interface Report {
  runs: number;
  counts: Record<string, number>;
  broken: { seed: number; what: string }[];
}

const empty = (): Report => ({ runs: 0, counts: {}, broken: [] });

function countUp(counts: Record<string, number>, more: Record<string, number>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}

function runOne(kind: Kind, seed: number): { broken: string | null; counts: Record<string, number> } {
  if (kind.name === 'schedules') {
    const { broken, steps, decisions, events, effects, messages } = runSchedule(seed);
    return { broken, counts: { steps, decisions, events, effects, messages } };
  }
  const { broken, decisions, events, effects, requests, counts } = runWeek(seed, kind.options);
  return { broken, counts: { decisions, events, effects, 'model calls': requests, ...counts } };
}

function batch({ kind, from, count, failures }: Order): Report {
  const report = empty();
  for (let seed = from; seed < from + count; seed++) {
    const { broken, counts } = runOne(kind, seed);
    report.runs += 1;
    countUp(report.counts, counts);
    if (broken !== null) report.broken.push({ seed, what: broken });
    if (report.broken.length >= failures) break;
  }
  return report;
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function one(trace: string[] | null, seed: number, broken: string | null): number {
  say((trace ?? []).join('\n'));
  say(`seed ${seed}: ${broken ?? 'every invariant held'}`);
  return broken === null ? 0 : 1;
}

/** Hands out batches to a worker per core. Resolves to the exit status. */
function many(kind: Kind, from: number, count: number, failures: number): Promise<number> {
  const total = empty();
  const end = count === 0 ? Number.MAX_SAFE_INTEGER : from + count;
  const started = process.hrtime.bigint();
  let next = from;
  let told = 0;
  return new Promise((resolve, reject) => {
    const workers = Array.from(
      { length: availableParallelism() },
      () => new Worker(new URL(import.meta.url), { workerData: 'worker', resourceLimits: YOUNG }),
    );
    let busy = workers.length;
    const give = (worker: Worker): void => {
      if (next < end && total.broken.length < failures) {
        const size = BATCH[kind.name];
        worker.postMessage({ kind, from: next, count: Math.min(size, end - next), failures } satisfies Order);
        next += size;
        return;
      }
      busy -= 1;
      worker.postMessage(null);
      if (busy === 0) resolve(summary(kind, total, from, Number(process.hrtime.bigint() - started) / 1e9));
    };
    for (const worker of workers) {
      worker.on('error', reject);
      worker.on('message', (report: Report) => {
        total.runs += report.runs;
        countUp(total.counts, report.counts);
        total.broken.push(...report.broken);
        for (const { seed, what } of report.broken) say(`seed ${seed}: ${what}`);
        if (total.runs - told >= TELL_EACH[kind.name]) {
          told = total.runs;
          say(`${told} ${kind.name}, ${total.broken.length} broken`);
        }
        give(worker);
      });
      give(worker);
    }
  });
}

/** Figures that every run has; those of the watchdog's verdicts come after them. */
const MAIN_FIGURES = ['steps', 'decisions', 'events', 'effects', 'messages', 'model calls'];

function summary(kind: Kind, { runs, counts, broken }: Report, from: number, seconds: number): number {
  const figures = MAIN_FIGURES.flatMap((name) => (counts[name] === undefined ? [] : [`${counts[name]} ${name}`]));
  say(
    `${runs} ${kind.name} from seed ${from}: ${broken.length} broken · ${figures.join(', ')} in ${seconds.toFixed(1)} s`,
  );
  for (const [name, count] of Object.entries(counts)) if (!MAIN_FIGURES.includes(name)) say(`  ${name}: ${count}`);
  const repeat = kind.name === 'schedules' ? '--seed' : '--week';
  if (broken[0]) say(`npm run sim -- ${repeat} ${broken[0].seed}   shows what happened`);
  return broken.length === 0 ? 0 : 1;
}

function option(name: string): number | null {
  const at = process.argv.indexOf(`--${name}`);
  if (at === -1) return null;
  const value = Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} needs a whole number`);
  return value;
}

async function main(): Promise<number> {
  const seed = option('seed');
  if (seed !== null) {
    const { trace, broken } = runSchedule(seed, { trace: true });
    return one(trace, seed, broken);
  }
  const options: WeekOptions = { ...WEEK, agents: option('agents') ?? WEEK.agents, days: option('days') ?? WEEK.days };
  const week = option('week');
  if (week !== null) {
    const { trace, broken } = runWeek(week, { ...options, trace: true });
    return one(trace?.slice(-(option('lines') ?? LINES)) ?? null, week, broken);
  }
  const from = option('from') ?? 1;
  const failures = option('failures') ?? FAILURES;
  const weeks = option('weeks');
  if (weeks !== null) return many({ name: 'weeks', options }, from, weeks, failures);
  return many({ name: 'schedules' }, from, option('count') ?? 100_000, failures);
}

if (workerData === 'worker') {
  parentPort?.on('message', (order: Order | null) => {
    if (order) parentPort?.postMessage(batch(order));
    else parentPort?.close();
  });
} else process.exitCode = await main();
