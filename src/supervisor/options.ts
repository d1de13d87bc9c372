/** What the composition root hands to `startSupervisor`. */
import type { HostHello } from '../core/host-wire.ts';
import type { Settings } from '../core/step.ts';
import type { DriverLookup } from './decode.ts';
import type { LaunchParts } from './facade.ts';
import type {
  Clock,
  Cron,
  EventLog,
  EventLogRecovery,
  JournalReader,
  Logger,
  Notifier,
  Processes,
  SecretText,
  SessionTarget,
  SleepGuard,
  Snapshots,
  Surveyor,
  SupervisorLock,
  Tmux,
} from './ports.ts';

import type { TriagePort } from './triage-port.ts';

export interface SupervisorPorts {
  clock: Clock;
  log: Logger;
  /** The one supervisor of the home: rejects with a sentence that names the owner. */
  lock(): Promise<SupervisorLock>;
  openLog(): Promise<{ log: EventLog; recovery: EventLogRecovery }>;
  snapshots: Snapshots;
  journals: JournalReader;
  tmux: Tmux;
  processes: Processes;
  /** Left out: the machine may sleep whenever it wants. */
  sleepGuard?: SleepGuard;
  notifier: Notifier;
  /** Layer 2 of the watchdog; null = off. */
  triage: TriagePort | null;
  /** Secrets of the supervisor itself, by name: never shown, and refused in messages like those of agents. */
  ownSecrets: Record<string, string>;
  cron: Cron;
  surveyor: Surveyor;
  /** Finds known secrets (name → value) and common token forms. */
  secretText(secrets: Record<string, string>): SecretText;
  driver: DriverLookup;
  /** Program and leading arguments of a CLI whose configuration names none; left out: the driver's program on PATH. */
  command?(cli: string): string[] | null;
  sessionTarget(name: string): SessionTarget;
  hostSocket(agentId: string): string;
  /** Program and arguments of a pane host, and of a view on one. */
  hostArgv(agentId: string, epoch: number): string[];
  viewArgv(agentId: string): string[];
  envFile(agentId: string): string;
  /** For requests that bring no launch of their own (curl): what this supervisor would give an agent of that CLI. */
  defaultLaunch(cli: string): LaunchParts;
}

export interface SupervisorOptions {
  home: string;
  /** First 8 hex digits of sha256 of the home's real path. */
  home8: string;
  version: string;
  build: string;
  pid: number;
  /** Host protocol: HOST_PROTOCOL, unless a test raises or lowers it. */
  protocol: HostHello['protocol'];
  settings: Settings;
  /** Folder of agents whose request names none. */
  defaultCwd: string;
  /** Something in the configuration that does not work, and that a person should know; null = nothing. */
  problem: string | null;
  /** The last supervisor of this home did not end in good order. */
  crashed: boolean;
  ports: SupervisorPorts;
  /** The end was asked for (`supervisor stop`, `down`), or the state can no longer be trusted (`fatal`): close and exit. */
  onEnd(why: 'stop' | 'down' | 'fatal', error?: Error): void;
}
