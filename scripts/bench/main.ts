/**
 * `npm run bench`: what tutti needs, as ratios to what the same machine gives in the same run without it.
 * Options: `--only 1,3`, `--quick` (smaller numbers), `--json`, `--write` (puts the table into docs/performance.md).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { eventPath } from './event-path.ts';
import { latency } from './latency.ts';
import { requireBuild } from './places.ts';
import { load } from './proc.ts';
import { respawn } from './respawn.ts';
import { type Outcome, ratioOf, type Row, table, verdictOf } from './row.ts';

type Bench = (options: { quick: boolean }) => Outcome | Promise<Outcome>;

const BENCHES: Record<number, Bench> = {
  1: eventPath,
  2: latency,
  3: respawn,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const chosen = values.only?.split(',').map(Number) ?? Object.keys(BENCHES).map(Number);
requireBuild();
const loadBefore = load();
const rows: Row[] = [];
const notes: string[] = [
  `${cpus().length} cores, Node ${process.versions.node}, load average before the run ${loadBefore}${values.quick ? ', --quick' : ''}.`,
];
for (const number of chosen) {
  const bench = BENCHES[number];
  if (!bench) throw new Error(`there is no bench ${number}: choose of ${Object.keys(BENCHES).join(', ')}`);
  process.stderr.write(`bench ${number} …\n`);
  const outcome = await bench({ quick: values.quick });
  rows.push(...outcome.rows);
  notes.push(...outcome.notes);
}
const text = `${table(rows)}\n\n${notes.map((note) => `- ${note}`).join('\n')}\n`;
if (values.json) {
  const told = rows.map((row) => ({ ...row, ratio: ratioOf(row), verdict: verdictOf(row) }));
  process.stdout.write(`${JSON.stringify({ rows: told, notes })}\n`);
} else process.stdout.write(text);
