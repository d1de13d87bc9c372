/**
 * The supervisor: one loop over a mailbox, the only writer of the event log and of db.json, the only place where decisions are
 * made (by the pure core). It knows the edges only as ports; `main` and the CLI put the real ones in.
 *
 *     api ── facade ──► loop (decide → append → reduce → publish) ──► effects ──► tmux, hosts, files
 *                        ▲                                              │
 *     host journals ── ingest ◄── hosts (sockets: doorbell, commands) ◄─┘
 */
export type { Asker, Declared, EventFilter, Facade, LaunchParts } from './facade.ts';
export { Refusal } from './facade.ts';
export { RecoveryRefused, type Supervisor, type SupervisorOptions, startSupervisor } from './start.ts';
