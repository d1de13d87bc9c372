/** What every write of the facade goes through: the recovery is over, the log takes events, the caller is known. */
import type { Command, Reply } from '../core/step.ts';
import { identify, type KnownCaller } from './access.ts';
import { type Asker, MAX_MAILBOX, RECOVERY_WAIT_MS, Refusal } from './facade.ts';
import type { Running } from './facade-reads.ts';
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
  const [problem] = running.problems.list().filter((text) => text.includes('event log cannot be'));
  if (problem) {
    const hint = 'free space on the disk of the home; it goes on by itself';
    throw new Refusal({ code: 'RUNTIME_ERROR', message: problem, hint }, 503);
  }
  return identify(loop.state, asker, supervisor.home8);
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
  const reply = await running.loop.submit({ type: 'command', id, by: caller.by, command });
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
