/** What a pane host costs at least: bare node listeners, one per tmux session, on a tmux server of their own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { monotonic } from './numbers.ts';
import { places } from './places.ts';
import { alive } from './proc.ts';
import { until } from './wait.ts';

const run = promisify(execFile);
/** tmux clients at a time; more do not make it faster. */
const TMUX_CALLS = 4;

/** Listens, says so, and starts a CLI if it is given one; says when that has answered its greeting. */
const BARE_HOST = `
const net = require('node:net');
const [path, report, ...cli] = process.argv.slice(1);
const call = net.connect(report);
net.createServer(() => {}).listen(path, () => {
  call.write('listens ' + process.pid + '\\n');
  if (cli.length === 0) return;
  const child = require('node:child_process').spawn(cli[0], cli.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write('{"type":"control_request","request_id":"1","request":{"subtype":"initialize"}}\\n');
  child.stdout.once('data', () => call.write('ready ' + process.pid + '\\n'));
});
`;

export interface BareHosts {
  pids: number[];
  tmuxPid: number;
  /** From the first tmux call until all listen. Milliseconds. */
  listenMs: number;
  /** … until the CLI of each has answered; the same as `listenMs` without one. */
  readyMs: number;
}

export interface BareOptions {
  count: number;
  /** With a CLI each. */
  cli: boolean;
  /** node's own flags. */
  flags: string[];
}

/** Starts them, calls `work`, and ends them. */
export async function withBareHosts<T>(options: BareOptions, work: (hosts: BareHosts) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
  const socket = `tutti-bench-bare-${process.pid}`;
  const env = { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8' };
  const tmux = async (...args: string[]): Promise<string> =>
    (await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env })).stdout;
  const pids: number[] = [];
  const sockets: Socket[] = [];
  let ready = 0;
  const server = createServer((call) => {
    sockets.push(call);
    call.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString('utf8').trimEnd().split('\n')) {
        const [word, pid] = line.split(' ');
        if (word === 'listens') pids.push(Number(pid));
        else ready += 1;
      }
    });
  });
  const report = join(folder, 'report');
  await new Promise<void>((done) => server.listen(report, done));
  const cli = options.cli ? [process.execPath, places.fakeClaude] : [];
  try {
    const from = monotonic();
    const names = Array.from({ length: options.count }, (_, i) => `s${i}`);
    const open = async (): Promise<void> => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const host = [process.execPath, ...options.flags, '-e', BARE_HOST, join(folder, name), report, ...cli];
        await tmux('new-session', '-d', '-s', name, '-x', '200', '-y', '50', ...host);
      }
    };
    await Promise.all(Array.from({ length: TMUX_CALLS }, open));
    await until('the bare hosts', 120_000, () => (pids.length === options.count ? true : null));
    const listenMs = monotonic() - from;
    if (options.cli) await until('their CLIs', 120_000, () => (ready === options.count ? true : null));
    const readyMs = monotonic() - from;
    const tmuxPid = Number(await tmux('display-message', '-p', '#{pid}'));
    return await work({ pids, tmuxPid, listenMs, readyMs });
  } finally {
    await tmux('kill-server');
    await until('their end', 20_000, () => (pids.some(alive) ? null : true));
    for (const call of sockets) call.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(join('/tmp', `tmux-${process.getuid?.() ?? 0}`, socket), { force: true });
  }
}
