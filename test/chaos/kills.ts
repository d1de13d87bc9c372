/** The deck of kills of a chaos run, and how each is done: SIGKILL by pid, to a process that the run itself brought about. */
import type { Client } from '../../src/client/index.ts';
import { runProcess } from '../../src/system/process.ts';

export type Victim = 'cli' | 'host' | 'supervisor' | 'tmux';

export interface Kill {
  victim: Victim;
  /** Wait for a running tool first, or for a message on its way into the conversation, or for nothing. */
  moment: 'tool' | 'delivery' | 'any';
}

export type Counts = Record<Victim, number> & { inTool: number; inDelivery: number };

/** At least a fifth each of CLI, host and supervisor, a twentieth of tmux, the rest at random; half of them while a tool runs, a quarter while a message is being delivered. */
export function deckOf(kills: number, random: () => number): Kill[] {
  const fifth = Math.ceil(kills / 5);
  const twentieth = Math.ceil(kills / 20);
  const victims: Victim[] = [
    ...Array<Victim>(fifth).fill('cli'),
    ...Array<Victim>(fifth).fill('host'),
    ...Array<Victim>(fifth).fill('supervisor'),
    ...Array<Victim>(twentieth).fill('tmux'),
  ];
  while (victims.length < kills)
    victims.push((['cli', 'host', 'supervisor'] as const)[Math.floor(random() * 3)] ?? 'cli');
  const deck = victims
    .slice(0, Math.max(kills, victims.length))
    .map((victim, i): Kill => ({ victim, moment: i % 2 === 0 ? 'tool' : i % 4 === 1 ? 'delivery' : 'any' }));
  for (let i = deck.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [deck[i], deck[j]] = [deck[j] as Kill, deck[i] as Kill];
  }
  return deck;
}

const TMUX_LIMIT_MS = 10_000;

/** Pid of the victim now; null when it does not exist at the moment. */
export async function pidOf(client: Client, victim: Victim, agent: string, socket: string): Promise<number | null> {
  switch (victim) {
    case 'cli':
      return (await client.get(agent)).pid;
    case 'host':
      return (await client.get(agent)).hostPid;
    case 'supervisor':
      return (await client.health()).pid;
    case 'tmux': {
      const answer = await runProcess(['tmux', '-L', socket, 'display-message', '-p', '#{pid}'], {
        timeoutMs: TMUX_LIMIT_MS,
      });
      const pid = Number(answer.stdout.trim());
      return answer.ok && Number.isInteger(pid) && pid > 1 ? pid : null;
    }
  }
}

/** true when it was there to be killed. */
export function killNow(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
