/**
 * Word to systemd (sd_notify). Node has no unix datagram sockets, so each word is a `systemd-notify`: at most one a minute with
 * the watchdog time of our unit. It is left to wait for the manager's receipt: one that has ended before the manager reads its
 * word cannot be told to be of our unit, and the word would be lost.
 */
import type { ServiceLink } from '../../supervisor/ports.ts';
import { agentEnvironment } from '../environment.ts';
import { runProcess } from '../process.ts';

type Environment = Record<string, string | undefined>;

/** A manager that takes longer does not listen. Milliseconds. */
const WORD_LIMIT_MS = 10_000;
/** Of the manager for its own child: nothing that we start may have them. */
const SERVICE_VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'INVOCATION_ID', 'JOURNAL_STREAM'];

/** Takes the manager's variables out of an environment. null: no manager listens. */
export function serviceLink(env: Environment, onProblem: (text: string) => void): ServiceLink | null {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  for (const name of SERVICE_VARIABLES) delete env[name];
  if (!socket) return null;
  const mine = pid === undefined || Number(pid) === process.pid;
  const micros = Number(usec);
  const tell = async (...words: string[]): Promise<void> => {
    const told = await runProcess(['systemd-notify', ...words], {
      env: { ...agentEnvironment(env), NOTIFY_SOCKET: socket },
      timeoutMs: WORD_LIMIT_MS,
    });
    if (!told.ok) onProblem(`systemd cannot be told ${words[0]}: ${told.stderr || told.message}`);
  };
  const line = (text: string): string => `STATUS=${text.replaceAll(/\p{Cc}+/gu, ' ')}`;
  return {
    watchdogMs: mine && micros > 0 ? micros / 1_000 : null,
    ready: (text) => tell('READY=1', line(text)),
    status: (text) => tell(line(text)),
    alive: (text) => tell('WATCHDOG=1', line(text)),
    stopping: () => tell('STOPPING=1'),
  };
}
