/**
 * `host/` is the pane host: the small program in an agent's tmux pane (Node's built-ins only). It starts the CLI, speaks its
 * protocol, writes the host journal, judges tool calls, draws the transcript and takes typed input.
 *
 * This file: `host.cjs <TUTTI_HOME> <agentId> <epoch>` and `host.cjs view <TUTTI_HOME> <agentId>`.
 */
import { openJournal } from '../system/journal/writer.ts';
import { takeLock } from '../system/lock.ts';
import { type HomePaths, homePaths, ownFolder, prepareSocketFolder } from '../system/paths.ts';
import { Host } from './host.ts';
import { openPane } from './pane/terminal-pane.ts';
import { runView } from './view.ts';

declare const TUTTI_BUILD: string;

/** Exit codes of this program: the supervisor reads none of them, a person in the pane may. */
const EXIT = { usage: 2, taken: 4, broken: 1 } as const;

const USAGE = 'usage: host.cjs <home> <agent id> <epoch> | host.cjs view <home> <agent id>';

function fail(code: number, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function main(args: string[]): void {
  process.umask(0o077);
  if (args[0] === 'view') return view(args[1], args[2]);
  const [home, agentId, epoch] = args;
  if (!home || !agentId || !/^\d+$/.test(epoch ?? '')) {
    fail(EXIT.usage, USAGE);
  }
  runHost(homePaths(home), agentId, Number(epoch));
}

/** The terminal of this one matters: without it, it ends. */
function view(home: string | undefined, agentId: string | undefined): void {
  if (!home || !agentId) fail(EXIT.usage, USAGE);
  runView(homePaths(home), agentId, process.argv[1] ?? '').then(
    () => process.exit(0),
    (error: unknown) => fail(EXIT.broken, error instanceof Error ? error.message : String(error)),
  );
}

function runHost(paths: HomePaths, agentId: string, epoch: number): void {
  const lock = takeLock(paths.hostLock(agentId));
  if (!lock.ok) fail(EXIT.taken, `this agent has a host already (pid ${lock.owner?.pid ?? 'unknown'})`);
  ownFolder(paths.hostDir(agentId));
  prepareSocketFolder(paths.hostSocket(agentId));
  let host: Host | null = null;
  const opened = openJournal(paths.journal(agentId, epoch), epoch, (failure) => host?.syncFailed(failure.message));
  if (!opened.ok) {
    lock.release();
    fail(opened.reason === 'epoch_taken' ? EXIT.taken : EXIT.broken, opened.message);
  }
  const pane = openPane({ typed: (input) => host?.typed(input) });
  host = new Host({
    paths,
    agentId,
    build: typeof TUTTI_BUILD === 'string' ? TUTTI_BUILD : 'source',
    ...testProtocol(),
    journal: opened.writer,
    program: process.argv[1] ?? '',
    pane,
    ended() {
      lock.release();
      process.exit(0);
    },
  });
  host.listen().catch((error: unknown) => {
    lock.release();
    fail(EXIT.broken, `the socket of this host cannot be opened: ${String(error)}`);
  });
  onSignals(host);
}

/** A supervisor of the next build meets hosts of this one, and the other way round: tests raise the number. */
function testProtocol(): { protocol?: number } {
  const raised = Number(process.env['TUTTI_TEST_PROTOCOL']);
  return Number.isInteger(raised) && raised > 0 ? { protocol: raised } : {};
}

/** A dead terminal costs the view only; a polite TERM ends the agent with the host. */
function onSignals(host: Host): void {
  process.on('SIGHUP', () => host.terminalLost());
  process.on('SIGINT', () => host.typed({ key: 'interrupt' }));
  process.on('SIGTERM', () => {
    host.terminate().catch((error: unknown) => fail(EXIT.broken, String(error)));
  });
  process.on('uncaughtExceptionMonitor', (error) => host.crashed(error));
}

main(process.argv.slice(2));
