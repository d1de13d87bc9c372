/** Bench 5: memory of a pane host, against a bare node with the same flags that does the same amount of nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { harmlessLines } from './corpus.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { mean } from './numbers.ts';
import { places } from './places.ts';
import { commandLine, pssMb } from './proc.ts';
import type { Outcome, Row } from './row.ts';

/** What the guard may add. MB of 10^6 bytes. */
const GUARD_MB = 6;
const HOSTS = 5;
/** V8 collects once more some 8 s after a process has come to rest. Milliseconds. */
const SETTLE_MS = 15_000;

const IDLE = 'setInterval(() => {}, 1e9); process.stdout.write("up\\n")';
/** The least that could be called a pane host: reads the CLI's lines, parses each, and appends it to a file. */
const COPIER = `
const fs = require('node:fs');
const [file, lines, count, program, fake] = process.argv.slice(1);
const out = fs.openSync(file, 'a');
const child = require('node:child_process').spawn(program, [fake], { stdio: ['pipe', 'pipe', 'inherit'] });
const prompt = { type: 'user', uuid: 'u', message: { role: 'user', content: 'lines ' + lines + ' ' + count } };
child.stdin.write(JSON.stringify(prompt) + '\\n');
let text = '';
const decoder = new (require('node:string_decoder').StringDecoder)('utf8');
child.stdout.on('data', (bytes) => {
  const whole = (text + decoder.write(bytes)).split('\\n');
  text = whole.pop();
  for (const line of whole) {
    fs.writeSync(out, line + '\\n');
    if (JSON.parse(line).type === 'result') process.stdout.write('done\\n');
  }
});
`;

export async function memory({ quick }: { quick: boolean }): Promise<Outcome> {
  const events = quick ? 2_000 : 20_000;
  return withFleet(async (fleet) => {
    const bare: ChildProcess[] = [];
    try {
      return await measure(fleet, events, bare);
    } finally {
      for (const child of bare) child.kill('SIGKILL');
    }
  });
}

async function measure(fleet: Fleet, events: number, bare: ChildProcess[]): Promise<Outcome> {
  const lines = join(fleet.folder, 'lines.jsonl');
  writeFileSync(lines, `${harmlessLines().join('\n')}\n`);
  await fleet.spawn(2 * HOSTS);
  const settled = await fleet.settled(2 * HOSTS);
  const hosts = settled.map(({ name, hostPid }) => ({ name, pid: hostPid ?? 0 }));
  const [plain, guarded] = [hosts.slice(0, HOSTS), hosts.slice(HOSTS)];
  const flags = flagsOf(plain[0]?.pid ?? 0);
  for (let i = 0; i < HOSTS; i++) bare.push(await started([...flags, '-e', IDLE]));
  await sleep(SETTLE_MS);
  const floor = pssOf(bare.map(({ pid }) => pid ?? 0));
  const idle = pssOf(plain.map(({ pid }) => pid));
  for (const { name } of guarded) await fleet.tell([name], 'gate');
  await sleep(SETTLE_MS);
  const judged = pssOf(guarded.map(({ pid }) => pid));

  const order = `lines ${lines} ${events}`;
  const afterEvents = async ({ name, pid }: { name: string; pid: number }): Promise<number> => {
    await fleet.tell([name], order);
    return pssMb(pid);
  };
  const busy = await eachOf(plain, afterEvents);
  const busyJudged = await eachOf(guarded, afterEvents);
  const busyFloor = await eachOf([...plain.keys()], async (i) => {
    const copy = join(fleet.folder, `copy-${i}`);
    const args = [...flags, '-e', COPIER, copy, lines, String(events), process.execPath, places.fakeClaude];
    const child = await started(args);
    bare.push(child);
    return pssMb(child.pid ?? 0);
  });
  const row = (what: string, measured: number, limit: number, most: number): Row => ({
    ...{ bench: 5, what, measured, limit, unit: 'MB' },
    target: { kind: 'ratio', value: most },
  });
  const k = `${events / 1_000}k`;
  return {
    rows: [
      row('pane host, idle', idle, floor, 1.1),
      row('pane host, idle, guard loaded', judged, floor, (1.1 * floor + GUARD_MB) / floor),
      row(`pane host after ${k} events`, busy, busyFloor, 1.2),
      row(`pane host after ${k} events, guard loaded`, busyJudged, busyFloor, (1.2 * busyFloor + GUARD_MB) / busyFloor),
    ],
    notes: [
      `5: PSS (own memory and its share of what is shared), mean of ${HOSTS} processes each; all of a kind alive at the same time, all with the flags ${flags.join(' ')}; idle is ${SETTLE_MS / 1_000} s after the last thing that happened, after events is at once after the last of them. The limit when idle is a bare node with a timer; after events it is one that reads the same lines from the same fake CLI, parses each and appends it to a file. The guard may add ${GUARD_MB} MB.`,
    ],
  };
}

const pssOf = (pids: number[]): number => mean(pids.map(pssMb));

/** One after the other: what matters is where each ends, not how they compete. The mean. */
async function eachOf<T>(all: T[], measureOne: (one: T) => Promise<number>): Promise<number> {
  const figures: number[] = [];
  for (const one of all) figures.push(await measureOne(one));
  return mean(figures);
}

/** node's own flags in a host's command line. */
function flagsOf(pid: number): string[] {
  return commandLine(pid).filter((word) => word.startsWith('--max-'));
}

/** Resolves at its first line of output. */
function started(args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.stdout?.once('data', () => done(child));
  });
}
