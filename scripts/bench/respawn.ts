/** Bench 3: a CLI is killed with SIGKILL: when the exit is seen and the next one runs, against a bare child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { JournalRecord } from '../../src/core/host-wire.ts';
import { withFleet } from './fleet.ts';
import { monotonic, percentile } from './numbers.ts';
import { places } from './places.ts';
import type { Outcome, Row } from './row.ts';
import { until } from './wait.ts';

/** The first line comes from a shell, so that the start of node is not part of the figure. */
const FIRST_LINE = '{"type":"system","subtype":"notification","text":"first byte","session_id":"bench"}';
const SCRIPT = `echo '${FIRST_LINE}'; exec "$0" "$@"`;
const COMMAND = ['/bin/sh', '-c', SCRIPT, process.execPath, places.fakeClaude];

interface Times {
  exit: number[];
  spawned: number[];
  firstByte: number[];
}

export async function respawn({ quick }: { quick: boolean }): Promise<Outcome> {
  const agents = quick ? 5 : 25;
  const ours = await measure(agents);
  const bare = await bareChild(agents);
  const row = (what: string, key: keyof Times, part: number, target: Row['target']): Row => ({
    bench: 3,
    what: `${what}, p${part * 100}`,
    measured: percentile(ours[key], part),
    limit: percentile(bare[key], part),
    unit: 'ms',
    target,
  });
  return {
    rows: [
      row('CLI kill -9 → exit at the subscriber', 'exit', 0.5, null),
      row('CLI kill -9 → exit at the subscriber', 'exit', 0.99, { kind: 'ratio', value: 10 }),
      row('CLI kill -9 → next CLI started', 'spawned', 0.5, null),
      row('CLI kill -9 → next CLI started', 'spawned', 0.99, { kind: 'ratio', value: 10 }),
      row('CLI kill -9 → its first byte at the subscriber', 'firstByte', 0.5, null),
      row('CLI kill -9 → its first byte at the subscriber', 'firstByte', 0.99, { kind: 'ratio', value: 5 }),
    ],
    notes: [
      `3: ${agents} agents, each killed once (the first restart is at once). The limit is a child of this process: its exit event, spawn() in that event, the first byte. The start of ours is taken from the journal, in whole milliseconds.`,
    ],
  };
}

function measure(agents: number): Promise<Times> {
  return withFleet(async (fleet) => {
    await fleet.spawn(agents, { command: COMMAND });
    const settled = await fleet.settled(agents);
    const times: Times = { exit: [], spawned: [], firstByte: [] };
    const seen = { exit: 0, firstByte: 0, id: '' };
    const stream = await fleet.watch((event) => {
      if (event.agentId !== seen.id) return;
      if (event.type === 'exit') seen.exit = monotonic();
      if (event.type === 'activity' && event.detail === 'first byte') seen.firstByte = monotonic();
    });
    for (const { id, pid } of settled) {
      if (pid === null) throw new Error('an idle agent has no pid');
      Object.assign(seen, { exit: 0, firstByte: 0, id });
      const wall = Date.now();
      const from = monotonic();
      process.kill(pid, 'SIGKILL');
      await until('the next CLI', 30_000, () => (seen.exit > 0 && seen.firstByte > 0 ? true : null));
      times.exit.push(seen.exit - from);
      times.firstByte.push(seen.firstByte - from);
      times.spawned.push(spawnedAt(fleet.paths.journal(id, 1)) - wall);
      await fleet.settled(agents);
    }
    stream.close();
    return times;
  });
}

/** Time of the last `spawn` record. Milliseconds since the epoch. */
function spawnedAt(journal: string): number {
  const records = readFileSync(journal, 'utf8').trimEnd().split('\n');
  const spawns = records.map((line) => JSON.parse(line) as JournalRecord).filter(({ kind }) => kind === 'spawn');
  return Date.parse(spawns.at(-1)?.at ?? '');
}

async function bareChild(rounds: number): Promise<Times> {
  const times: Times = { exit: [], spawned: [], firstByte: [] };
  const start = (): ChildProcess =>
    spawn(COMMAND[0] as string, COMMAND.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
  const firstByte = (child: ChildProcess): Promise<void> =>
    new Promise((done) => child.stdout?.once('data', () => done()));
  for (let round = 0; round < rounds; round++) {
    const child = start();
    await firstByte(child);
    const from = monotonic();
    const next = await new Promise<ChildProcess>((done) => {
      child.once('exit', () => {
        times.exit.push(monotonic() - from);
        const following = start();
        times.spawned.push(monotonic() - from);
        done(following);
      });
      child.kill('SIGKILL');
    });
    await firstByte(next);
    times.firstByte.push(monotonic() - from);
    next.kill('SIGKILL');
  }
  return times;
}
