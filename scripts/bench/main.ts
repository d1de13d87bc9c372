/**
 * `npm run bench`: what tutti needs, as ratios to what the same machine gives in the same run without it.
 * Options: `--only 1,3`, `--quick` (smaller numbers), `--json`, `--write` (puts the table into docs/performance.md).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { eventPath } from './event-path.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { writePage } from './page.ts';
import { requireBuild } from './places.ts';
import { load } from './proc.ts';
import { type Job, recovery, runJob } from './recovery.ts';
import { respawn } from './respawn.ts';
import { type Outcome, ratioOf, type Row, table, verdictOf } from './row.ts';
import { starting } from './starting.ts';

type Bench = (options: { quick: boolean }) => Outcome | Promise<Outcome>;

const BENCHES: Record<number, Bench> = {
  1: eventPath,
  2: latency,
  3: respawn,
  4: starting,
  5: memory,
  6: idle,
  7: recovery,
};

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    /** A step of a bench in a process of its own; for the bench itself. */
    job: { type: 'string' },
  },
});

if (values.job === undefined) await runAll();
else {
  const told = await runJob(JSON.parse(values.job) as Job);
  process.stdout.write(JSON.stringify(told));
}

async function runAll(): Promise<void> {
  requireBuild();
  const chosen = values.only?.split(',').map(Number) ?? Object.keys(BENCHES).map(Number);
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const number of chosen) {
    const bench = BENCHES[number];
    if (!bench) throw new Error(`there is no bench ${number}: choose of ${Object.keys(BENCHES).join(', ')}`);
    const before = load();
    process.stderr.write(`bench ${number} … (load ${before})\n`);
    const { rows: measured, notes: told } = await bench({ quick: values.quick });
    rows.push(...measured);
    const how = `${cpus().length} cores, Node ${process.versions.node}, load average before ${before}${values.quick ? ', --quick' : ''}`;
    notes.push(`${number}: ${how}.`, ...told);
  }
  const text = `${table(rows)}\n\n${notes.map((note) => `- ${note}`).join('\n')}\n`;
  if (values.json) {
    const told = rows.map((row) => ({ ...row, ratio: ratioOf(row), verdict: verdictOf(row) }));
    process.stdout.write(`${JSON.stringify({ rows: told, notes })}\n`);
  } else process.stdout.write(text);
  if (values.write) writePage(text);
}
