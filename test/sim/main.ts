/**
 * Many schedules on all cores, or one with its trace. `npm run sim -- [--seed N] [--from N] [--count N] [--failures N]`
 *
 * `--seed N` repeats one schedule and prints what happened; `--count 0` runs until it is interrupted.
 * Exit 0 = every invariant held, 1 = one was broken (its seed is printed).
 */
import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { runSchedule } from './schedule.ts';

/** Schedules a worker runs before it reports. */
const BATCH = 100;
/** Failing seeds before it gives up, where `--failures` names no other number. */
const FAILURES = 10;

interface Report {
  schedules: number;
  steps: number;
  events: number;
  effects: number;
  messages: number;
  broken: { seed: number; what: string }[];
}

const empty = (): Report => ({ schedules: 0, steps: 0, events: 0, effects: 0, messages: 0, broken: [] });

function batch(from: number, count: number, failures: number): Report {
  const report = empty();
  for (let seed = from; seed < from + count; seed++) {
    const { broken, steps, events, effects, messages } = runSchedule(seed);
    report.schedules += 1;
    report.steps += steps;
    report.events += events;
    report.effects += effects;
    report.messages += messages;
    if (broken !== null) report.broken.push({ seed, what: broken });
    if (report.broken.length >= failures) break;
  }
  return report;
}

function add(total: Report, report: Report): void {
  for (const key of ['schedules', 'steps', 'events', 'effects', 'messages'] as const) total[key] += report[key];
  total.broken.push(...report.broken);
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function one(seed: number): number {
  const outcome = runSchedule(seed, { trace: true });
  say((outcome.trace ?? []).join('\n'));
  say(`seed ${seed}: ${outcome.broken ?? 'every invariant held'}`);
  return outcome.broken === null ? 0 : 1;
}

/** Hands out batches to a worker per core. Resolves to the exit status. */
function many(from: number, count: number, failures: number): Promise<number> {
  const total = empty();
  const end = count === 0 ? Number.MAX_SAFE_INTEGER : from + count;
  const started = process.hrtime.bigint();
  let next = from;
  let told = 0;
  return new Promise((resolve, reject) => {
    const workers = Array.from(
      { length: availableParallelism() },
      () => new Worker(new URL(import.meta.url), { workerData: 'worker' }),
    );
    let busy = workers.length;
    const give = (worker: Worker): void => {
      if (next < end && total.broken.length < failures) {
        worker.postMessage({ from: next, count: Math.min(BATCH, end - next), failures });
        next += BATCH;
        return;
      }
      busy -= 1;
      worker.postMessage(null);
      if (busy === 0) resolve(summary(total, from, Number(process.hrtime.bigint() - started) / 1e9));
    };
    for (const worker of workers) {
      worker.on('error', reject);
      worker.on('message', (report: Report) => {
        add(total, report);
        for (const { seed, what } of report.broken) say(`seed ${seed}: ${what}`);
        if (total.schedules - told >= 10_000) {
          told = total.schedules;
          say(`${told} schedules, ${total.broken.length} broken`);
        }
        give(worker);
      });
      give(worker);
    }
  });
}

function summary(total: Report, from: number, seconds: number): number {
  const { schedules, steps, events, effects, messages, broken } = total;
  say(
    `${schedules} schedules from seed ${from}: ${broken.length} broken · ${steps} steps, ${events} events, ${effects} effects, ${messages} messages in ${seconds.toFixed(1)} s`,
  );
  if (broken[0]) say(`npm run sim -- --seed ${broken[0].seed}   shows what happened`);
  return broken.length === 0 ? 0 : 1;
}

function option(name: string): number | null {
  const at = process.argv.indexOf(`--${name}`);
  if (at === -1) return null;
  const value = Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} needs a whole number`);
  return value;
}

if (workerData === 'worker') {
  parentPort?.on('message', (order: { from: number; count: number; failures: number } | null) => {
    if (order) parentPort?.postMessage(batch(order.from, order.count, order.failures));
    else parentPort?.close();
  });
} else {
  const seed = option('seed');
  process.exitCode =
    seed === null
      ? await many(option('from') ?? 1, option('count') ?? 100_000, option('failures') ?? FAILURES)
      : one(seed);
}
