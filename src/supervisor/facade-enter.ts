/** What every write of the facade goes through: the recovery is over, the log takes events, the caller is known. */
import type { Command, Reply } from '../core/step.ts';
import { identify, type KnownCaller } from './access.ts';
import { type Asker, MAX_MAILBOX, RECOVERY_WAIT_MS, Refusal } from './facade.ts';
import type { Running } from './facade-reads.ts';
import { NotRecorded } from './loop.ts';
import type { SecretStore } from './secret-store.ts';

export interface Writing extends Running {
  secrets: SecretStore;
  /** Resolves when writes are allowed; rejects when the supervisor will not run. */
  recovered: Promise<void>;
  /** Resolves when the condition holds; false after the limit. */
  until(condition: () => boolean, limitMs: number): Promise<boolean>;
}

export async function enter(running: Writing, asker: Asker): Promise<KnownCaller> {
  const { loop, supervisor } = running;
  if (loop.recovering) await recoveryOver(running);
  if (loop.backlog > MAX_MAILBOX) {
    throw new Refusal(
      { code: 'RUNTIME_ERROR', message: 'the supervisor is overloaded', hint: 'try again in a moment' },
      503,
    );
  }
  if (loop.stuck !== null) throw notWritable(loop.stuck);
  return identify(loop.state, asker, supervisor.home8);
}

function notWritable(message: string): Refusal {
  const hint = 'nothing of this command was done: make room on the disk of the home, then give it again';
  return new Refusal({ code: 'RUNTIME_ERROR', message, hint }, 503);
}

async function recoveryOver(running: Writing): Promise<void> {
  let timer: { cancel(): void } | null = null;
  const late = new Promise<never>((_, reject) => {
    const refuse = (): void =>
      reject(new Refusal({ code: 'TIMEOUT', message: 'the supervisor is still recovering', hint: 'try again' }, 503));
    timer = running.supervisor.ports.clock.setTimeout(refuse, RECOVERY_WAIT_MS);
  });
  try {
    await Promise.race([running.recovered, late]);
  } finally {
    (timer as { cancel(): void } | null)?.cancel();
  }
}

export async function submit(running: Writing, asker: Asker, caller: KnownCaller, command: Command): Promise<Reply> {
  const id = asker.commandId ?? running.supervisor.ports.clock.uuid();
  let reply: Reply | null;
  try {
    reply = await running.loop.submit({ type: 'command', id, by: caller.by, command });
  } catch (error) {
    throw error instanceof NotRecorded ? notWritable(error.message) : error;
  }
  if (!reply) throw new Error(`the core did not answer ${command.verb}`);
  return reply;
}

export function accepted(reply: Reply): void {
  if (!reply.ok) throw new Refusal(reply.error);
}

export function invalid(message: string, hint: string | null = null): Refusal {
  return new Refusal({ code: 'INVALID_ARGUMENT', message, hint });
}

/** A message that contains a known secret is refused, not altered. */
export function checkSecrets(running: Writing, text: string): void {
  const name = running.secrets.find(text);
  if (name) throw invalid(`the text contains the secret ${name}`, 'agents read their secrets from their environment');
}
