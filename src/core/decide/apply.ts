/** `apply`: a project's file against what there is. Idempotent: the same file twice changes nothing the second time. */
import { agentsOf } from '../agent.ts';
import type { JsonObject } from '../event.ts';
import { digest } from '../id.ts';
import type { AgentSpec, AgentState } from '../state.ts';
import type { Command, Reply } from '../step.ts';
import { accept, type CommandInput, create, enqueue, fail, nameTaken, ok } from './accept.ts';
import { configure, configureAbove } from './configure.ts';
import { applySchedules } from './schedules.ts';
import type { Work } from './work.ts';

type Apply = Extract<Command, { verb: 'apply' }>;
type Declared = Apply['agents'][number];

/** Changes that only a new process takes up; the first group needs a new conversation as well. */
const NEW_CONVERSATION = ['cli', 'cwd', 'worktree'] as const satisfies (keyof AgentSpec)[];
const NEW_PROCESS = [
  'model',
  'permissions',
  'account',
  'settings',
  'role',
  'fallback',
] as const satisfies (keyof AgentSpec)[];

export function apply(w: Work, input: CommandInput, command: Apply): Reply {
  const foreign = command.agents.map(({ name }) => nameTaken(w, name)).find((a) => a && a.project !== command.project);
  if (foreign) {
    return fail(
      'CONFLICT',
      `the name ${foreign.name} belongs to an agent of project ${foreign.project}`,
      'rename it in tutti.yaml',
    );
  }
  if (w.state.projects[command.project]?.hash !== command.hash) {
    const { hash, project, config } = command;
    w.emit(null, { type: 'config', hash, by: input.by, project, config }, { durable: true, by: input.by });
  }
  const outcome = { created: [] as string[], changed: [] as string[], unchanged: [] as string[] };
  for (const declared of command.agents) {
    const known = nameTaken(w, declared.name);
    if (!known) {
      const { agentId, name, spec, messageId, wanted } = declared;
      const { project } = command;
      create(w, { agentId, name, project, spec, messageId, declared: true, wanted: wanted ?? 'up' }, input.by);
      outcome.created.push(name);
    } else outcome[redeclare(w, input, w.touch(known.id) as AgentState, declared)].push(declared.name);
  }
  const names = new Set(command.agents.map(({ name }) => name));
  const undeclared = agentsOf(w.state).filter(
    (a) => a.project === command.project && a.declared && !a.removing && !names.has(a.name),
  );
  const pruned = command.prune ? undeclared.filter((a) => a.wanted !== 'down') : [];
  for (const { id } of pruned) {
    const agent = w.touch(id) as AgentState;
    accept(w, { ...input, id: `${input.id}:${agent.id}` }, agent.id, {}, 'stop');
  }
  if (command.schedules) applySchedules(w, input, command.project, command.schedules);
  accept(w, input, null, { project: command.project, hash: command.hash, prune: command.prune });
  return ok({
    project: command.project,
    ...outcome,
    undeclared: undeclared.map((a) => a.name),
    pruned: pruned.map((a) => a.name),
  });
}

/** Brings a known agent to its declaration. */
function redeclare(w: Work, input: CommandInput, agent: AgentState, declared: Declared): 'changed' | 'unchanged' {
  const wanted = declared.wanted ?? 'up';
  const args: JsonObject = {};
  const { spec } = declared;
  const differs = (key: keyof AgentSpec): boolean => digest(agent.spec[key]) !== digest(spec[key]);
  const taskChanged = differs('task');
  if ((Object.keys(spec) as (keyof AgentSpec)[]).some(differs)) {
    args.spec = spec as unknown as JsonObject;
    const runs = agent.cli.incarnation > 0;
    if (runs && NEW_CONVERSATION.some(differs)) args.restart = 'fresh';
    else if (runs && NEW_PROCESS.some(differs)) args.restart = 'idle';
  }
  // Up is also asked for where it has given up: `up` is how one says "again".
  if (agent.wanted !== wanted || (wanted === 'up' && agent.gate === 'failed')) args.wanted = wanted;
  if (!agent.declared) args.declared = true;
  if (Object.keys(args).length === 0) return 'unchanged';
  if (taskChanged && spec.task !== null && declared.messageId !== null) {
    enqueue(w, agent, { messageId: declared.messageId, text: spec.task, from: 'user', now: false }, input.by);
  }
  accept(w, { ...input, id: `${input.id}:${agent.id}` }, agent.id, args, 'declare');
  configure(w, agent);
  configureAbove(w, agent);
  return 'changed';
}
