/** Bench 2: from a CLI's write to a WebSocket subscriber, against a plain unix socket between as many node processes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Fleet, withFleet } from './fleet.ts';
import { monotonic, percentile } from './numbers.ts';
import { cpuMs } from './proc.ts';
import type { Outcome, Row } from './row.ts';
import { until } from './wait.ts';

/** Between two lines of one agent. Milliseconds. */
const EVERY_MS = 100;
const TARGET = { kind: 'ratio', value: 20 } as const;
const STAMP = /stamp (\d+)/;

/** One writer of the limit: the same lines, straight to the reader. */
const BARE_WRITER = `
const socket = require('node:net').connect(process.argv[1]);
const [count, every] = process.argv.slice(2).map(Number);
let left = count;
const say = () => {
  socket.write('stamp ' + process.hrtime.bigint() + ' ' + 'x'.repeat(400) + '\\n');
  left -= 1;
  if (left > 0) setTimeout(say, every);
  else socket.end();
};
socket.once('data', () => setTimeout(say, Math.random() * every));
`;

interface Sizes {
  agents: number;
  lines: number;
}

export async function latency({ quick }: { quick: boolean }): Promise<Outcome> {
  const sizes: Sizes[] = quick
    ? [
        { agents: 1, lines: 60 },
        { agents: 10, lines: 30 },
      ]
    : [
        { agents: 1, lines: 300 },
        { agents: 100, lines: 100 },
      ];
  const outcome: Outcome = { rows: [], notes: [] };
  for (const size of sizes) {
    const ours = await measure(size);
    const bare = await bareSockets(size);
    outcome.rows.push(...rowsOf(size, ours.delays, bare));
    outcome.notes.push(
      `2: ${size.agents} agent(s) with ${1_000 / EVERY_MS} lines a second each, ${ours.delays.length} samples; meanwhile hosts ${ours.hostsPercent.toFixed(1)} % and supervisor ${ours.supervisorPercent.toFixed(1)} % of a core (fake CLIs and the subscriber not counted).`,
    );
  }
  return outcome;
}

function rowsOf({ agents }: Sizes, ours: number[], bare: number[]): Row[] {
  return [0.5, 0.99].map((part) => ({
    bench: 2,
    what: `CLI write → WebSocket subscriber, ${agents} agent${agents === 1 ? '' : 's'}, p${part * 100}`,
    measured: percentile(ours, part),
    limit: percentile(bare, part),
    unit: 'ms',
    target: part === 0.99 ? TARGET : null,
  }));
}

interface Measured {
  delays: number[];
  hostsPercent: number;
  supervisorPercent: number;
}

function measure({ agents, lines }: Sizes): Promise<Measured> {
  return withFleet(async (fleet) => {
    await fleet.spawn(agents);
    const settled = await fleet.settled(agents);
    const hosts = settled.map(({ hostPid }) => hostPid).filter((pid) => pid !== null);
    const delays: number[] = [];
    const stream = await fleet.watch((event) => {
      if (event.type !== 'thinking') return;
      const now = monotonic();
      const stamp = STAMP.exec(event.content)?.[1];
      if (stamp !== undefined) delays.push(now - Number(BigInt(stamp)) / 1e6);
    });
    const before = spent(fleet, hosts);
    const from = monotonic();
    const names = settled.map(({ name }) => name);
    await Promise.all(names.map((name) => fleet.client.send(name, `stamps ${lines} ${EVERY_MS}`)));
    await until('all lines', 180_000, () => (delays.length >= agents * lines ? true : null));
    const passed = monotonic() - from;
    const after = spent(fleet, hosts);
    stream.close();
    return {
      delays,
      hostsPercent: (100 * (after.hosts - before.hosts)) / passed,
      supervisorPercent: (100 * (after.supervisor - before.supervisor)) / passed,
    };
  });
}

const spent = (fleet: Fleet, hosts: number[]): { hosts: number; supervisor: number } => ({
  hosts: hosts.reduce((sum, pid) => sum + cpuMs(pid), 0),
  supervisor: cpuMs(fleet.supervisorPid),
});

/** All writers begin when the last one has connected. */
async function bareSockets({ agents, lines }: Sizes): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
  const path = join(folder, 's');
  const delays: number[] = [];
  let connected = 0;
  const server = createServer((socket) => {
    connected += 1;
    sockets.push(socket);
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      const now = monotonic();
      text += bytes.toString('utf8');
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      for (const line of whole) delays.push(now - Number(BigInt(STAMP.exec(line)?.[1] ?? 0)) / 1e6);
    });
  });
  const sockets: { write(text: string): void; destroy(): void }[] = [];
  await new Promise<void>((done) => server.listen(path, done));
  const writers = Array.from({ length: agents }, () =>
    spawn(process.execPath, ['-e', BARE_WRITER, path, String(lines), String(EVERY_MS)], { stdio: 'ignore' }),
  );
  try {
    await until('all writers', 60_000, () => (connected === agents ? true : null));
    for (const socket of sockets) socket.write('go\n');
    await until('all lines', 120_000, () => (delays.length >= agents * lines ? true : null));
    return delays;
  } finally {
    for (const writer of writers) writer.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
