/** Every command: name, one line, and where it is. A file is loaded only when its command is named. */
import { actCommand } from './act.ts';
import { answerCommand } from './answer.ts';
import type { CommandEntry } from './program.ts';

export const entries: CommandEntry[] = [
  {
    name: 'init',
    group: 'Agents',
    summary: 'write tutti.yaml, rules/ and LEARNINGS.md here',
    load: async () => (await import('./local/init.ts')).command,
  },
  {
    name: 'up',
    group: 'Agents',
    summary: 'bring the agents of tutti.yaml up',
    load: async () => (await import('./up.ts')).command,
  },
  {
    name: 'down',
    group: 'Agents',
    summary: "stop this project's agents",
    load: async () => (await import('./down.ts')).command,
  },
  {
    name: 'spawn',
    group: 'Agents',
    summary: 'start one agent',
    load: async () => (await import('./spawn.ts')).command,
  },
  {
    name: 'send',
    group: 'Agents',
    summary: 'queue a message for an agent',
    load: async () => (await import('./send.ts')).command,
  },
  { name: 'interrupt', group: 'Agents', summary: 'end the running turn', load: async () => actCommand('interrupt') },
  { name: 'pause', group: 'Agents', summary: 'hold the queue after this turn', load: async () => actCommand('pause') },
  {
    name: 'resume',
    group: 'Agents',
    summary: 'go on; also out of failed, limited and backoff',
    load: async () => actCommand('resume'),
  },
  {
    name: 'restart',
    group: 'Agents',
    summary: 'start the CLI again, same conversation',
    load: async () => actCommand('restart'),
  },
  {
    name: 'stop',
    group: 'Agents',
    summary: 'end everything of an agent, keep the agent',
    load: async () => actCommand('stop'),
  },
  { name: 'rm', group: 'Agents', summary: 'stop and forget', load: async () => actCommand('rm') },
  {
    name: 'schedule',
    group: 'Agents',
    summary: 'check-ins: wake an agent later, or again and again',
    load: async () => (await import('./schedule.ts')).command,
  },
  { name: 'ps', group: 'Watching', summary: 'list agents', load: async () => (await import('./ps.ts')).command },
  {
    name: 'show',
    group: 'Watching',
    summary: 'one agent in full',
    load: async () => (await import('./show.ts')).command,
  },
  {
    name: 'why',
    group: 'Watching',
    summary: 'what led to the present state',
    load: async () => (await import('./why.ts')).command,
  },
  {
    name: 'attach',
    group: 'Watching',
    summary: "look into an agent's tmux session",
    load: async () => (await import('./local/attach.ts')).command,
  },
  {
    name: 'logs',
    group: 'Watching',
    summary: 'readable transcript',
    load: async () => (await import('./logs.ts')).command,
  },
  {
    name: 'events',
    group: 'Watching',
    summary: 'the event log',
    load: async () => (await import('./events.ts')).command,
  },
  {
    name: 'wait',
    group: 'Watching',
    summary: 'wait for a state',
    load: async () => (await import('./wait.ts')).command,
  },
  {
    name: 'digest',
    group: 'Watching',
    summary: 'what happened while you were away',
    load: async () => (await import('./digest.ts')).command,
  },
  { name: 'approve', group: 'Answering', summary: 'say yes to a request', load: async () => answerCommand('allow') },
  { name: 'deny', group: 'Answering', summary: 'say no to a request', load: async () => answerCommand('deny') },
  { name: 'answer', group: 'Answering', summary: 'answer a question', load: async () => answerCommand('answer') },
  {
    name: 'supervisor',
    group: 'Supervisor',
    summary: 'the daemon alone: start, stop, restart, status',
    load: async () => (await import('./local/supervisor.ts')).command,
  },
  {
    name: 'service',
    group: 'Supervisor',
    summary: 'have systemd or launchd keep the supervisor running',
    load: async () => (await import('./local/service.ts')).command,
  },
  {
    name: 'doctor',
    group: 'Supervisor',
    summary: 'what is missing or unsafe here, and how to mend it',
    load: async () => (await import('./local/doctor/index.ts')).command,
  },
  {
    name: 'config',
    group: 'Supervisor',
    summary: 'check, show, schema of the configuration',
    load: async () => (await import('./local/config.ts')).command,
  },
  {
    name: 'normalize',
    group: 'Tools',
    summary: "any CLI's output as unified events",
    load: async () => (await import('./local/normalize.ts')).command,
  },
  {
    name: 'agent',
    group: 'Tools',
    summary: 'a built-in agent by hand',
    load: async () => (await import('./local/agent.ts')).command,
  },
  {
    name: 'demo',
    group: 'Tools',
    summary: 'a full run on an embedded scripted model',
    load: async () => (await import('./local/demo.ts')).command,
  },
];
