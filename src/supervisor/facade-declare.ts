/** Declaring agents: `spawn` for one, `apply` for a project's file. */
import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { JsonObject } from '../core/event.ts';
import type { AgentSpec, Runner } from '../core/state.ts';
import type { Reply } from '../core/step.ts';
import { forbidAgents, type KnownCaller, requireBelow } from './access.ts';
import {
  type Applied,
  type ApplyOrder,
  type Asker,
  type Declared,
  type Facade,
  type LaunchParts,
  MAX_AGENTS,
  Refusal,
} from './facade.ts';
import { accepted, checkSecrets, enter, invalid, submit, type Writing } from './facade-enter.ts';
import { findAgent, viewOf } from './facade-reads.ts';
import { declaredSchedules } from './facade-schedules.ts';
import {
  accountOf,
  filledIn,
  launchFile,
  readLaunchFile,
  removeLaunchFile,
  secretsOf,
  writeLaunchFile,
} from './launch-env.ts';

/** 10 hex digits, the first a decimal one: never a name (those begin with a letter), short in socket paths. */
async function newId(running: Writing, taken: Set<string>): Promise<string> {
  const { clock, journals } = running.supervisor.ports;
  for (;;) {
    const digits = clock.uuid().replaceAll('-', '');
    const id = `${Number.parseInt(digits[0] ?? '0', 16) % 10}${digits.slice(1, 10)}`;
    const known = id in running.loop.state.agents || id in running.loop.state.removing || taken.has(id);
    if (!known && (await journals.epochs(id)).length === 0) {
      taken.add(id);
      return id;
    }
  }
}

interface Prepared {
  agentId: string;
  name: string;
  spec: AgentSpec;
  /** Of the declared runner, then of its fallbacks. */
  launches: [LaunchParts, ...LaunchParts[]];
}

/** From a declaration to a spec: everything filled in, everything checked that can be checked now. */
async function prepare(running: Writing, declared: Declared, agentId: string, caller: KnownCaller): Promise<Prepared> {
  const { supervisor, loop } = running;
  const { ports } = supervisor;
  for (const { cli } of [declared, ...declared.fallback]) {
    if (!ports.driver(cli)) {
      throw invalid(`no such CLI: ${cli}`, 'known: claude, codex, gemini, opencode, aider, tutti');
    }
  }
  const launch = await wholeLaunch(running, agentId, declared, declared.name, 0);
  const cwd = declared.cwd ?? supervisor.defaultCwd;
  if (!isAbsolute(cwd)) throw invalid(`cwd must be an absolute path, not ${cwd}`);
  if (!(await folderExists(cwd)))
    throw invalid(`the folder ${cwd} does not exist`, 'make it, or name another with --cwd');
  const parent = declared.parent === null ? (caller.agent?.id ?? null) : findAgent(loop.state, declared.parent).id;
  if (caller.agent && parent !== null && parent !== caller.agent.id) {
    requireBelow(loop.state, caller, findAgent(loop.state, parent));
  }
  if (declared.task !== null) checkSecrets(running, declared.task);
  const { model, role, zone, task, worktree, branch, permissions, restart, once, budget, settings } = declared;
  const account = declared.account ?? accountOf(declared.cli, launch.env);
  const launches: Prepared['launches'] = [launch];
  const fallback: Runner[] = [];
  for (const other of declared.fallback) {
    const parts = await wholeLaunch(running, agentId, other, declared.name, launches.length);
    launches.push(parts);
    const { cli } = other;
    fallback.push({
      cli,
      model: other.model,
      settings: other.settings,
      account: other.account ?? accountOf(cli, parts.env),
    });
  }
  const spec: AgentSpec = {
    cli: declared.cli,
    ...{ model, role, parentId: parent, zone, task, cwd, worktree, branch },
    ...{ permissions, restart, once, budget, account, settings },
    fallback,
    fallbackReturn: declared.fallbackReturn,
  };
  return { agentId, name: declared.name, spec, launches };
}

/** With every variable that its values name: from the caller's shell, or as they were kept. */
async function wholeLaunch(
  running: Writing,
  agentId: string,
  { cli, launch: given }: Pick<Declared, 'cli' | 'launch'>,
  name: string,
  /** Of the runner: 0 = the declared one. */
  n: number,
): Promise<LaunchParts> {
  const { ports } = running.supervisor;
  const asked = given ?? ports.defaultLaunch(cli);
  if (!asked.missing?.length) return asked;
  const file = await readLaunchFile(ports.envFile(agentId));
  const kept = n === 0 ? file : (file?.fallbacks?.[n - 1] ?? null);
  const launch = filledIn(asked, kept?.cli === cli ? kept : null);
  if (launch.missing?.length) {
    const names = launch.missing.map((name) => `\${${name}}`).join(' ');
    throw invalid(
      `agent ${name} needs ${names}, which this shell does not have`,
      'set it in the shell that runs this command',
    );
  }
  return launch;
}

async function folderExists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** The launch file stands before the agent does: a host may be started the moment the command is durable. */
async function keepLaunch(running: Writing, { agentId, name, spec, launches }: Prepared): Promise<void> {
  const { ports, home8 } = running.supervisor;
  const program = (cli: string): string[] => ports.command?.(cli) ?? [ports.driver(cli)?.program ?? cli];
  await writeLaunchFile(ports.envFile(agentId), launchFile({ name, spec }, launches, { program, home8 }));
  running.secrets.put(agentId, secretsOf(launches));
}

async function dropLaunch(running: Writing, agentId: string): Promise<void> {
  await removeLaunchFile(running.supervisor.ports.envFile(agentId));
  running.secrets.drop(agentId);
}

export async function spawn(
  running: Writing,
  declared: Declared & { project: string },
  asker: Asker,
): ReturnType<Facade['spawn']> {
  const caller = await enter(running, asker);
  const { loop } = running;
  if (Object.keys(loop.state.agents).length >= MAX_AGENTS) {
    const hint = 'tutti rm those that are no longer needed';
    throw new Refusal({ code: 'CONFLICT', message: `there are ${MAX_AGENTS} agents, the most of one home`, hint }, 429);
  }
  const prepared = await prepare(running, declared, await newId(running, new Set()), caller);
  const { agentId, name, spec } = prepared;
  await keepLaunch(running, prepared);
  const messageId = spec.task === null ? null : running.supervisor.ports.clock.uuid();
  let reply: Reply;
  try {
    reply = await submit(running, asker, caller, {
      verb: 'spawn',
      agentId,
      name,
      project: declared.project,
      spec,
      messageId,
    });
  } finally {
    // Refused, or a repeat of a command that was done before: then another agent bears the name.
    if (!loop.state.agents[agentId]) await dropLaunch(running, agentId);
  }
  accepted(reply);
  return viewOf(running, findAgent(loop.state, name));
}

export async function apply(running: Writing, wanted: ApplyOrder, asker: Asker): Promise<Applied> {
  const caller = await enter(running, asker);
  forbidAgents(caller, 'apply a configuration');
  const { loop, supervisor } = running;
  const schedules = declaredSchedules(supervisor.ports.cron, wanted.project, wanted.config);
  const taken = new Set<string>();
  const prepared: Prepared[] = [];
  for (const declared of wanted.agents) {
    const known = Object.values(loop.state.agents).find((agent) => agent.name === declared.name);
    if (known && known.project !== wanted.project) {
      const message = `the name ${declared.name} belongs to project ${known.project}`;
      throw new Refusal({ code: 'CONFLICT', message, hint: 'names are unique in a home: choose another' });
    }
    prepared.push(await prepare(running, declared, known?.id ?? (await newId(running, taken)), caller));
  }
  for (const item of prepared) await keepLaunch(running, item);
  let reply: Reply;
  try {
    reply = await submit(running, asker, caller, {
      verb: 'apply',
      project: wanted.project,
      hash: wanted.hash,
      config: wanted.config,
      agents: prepared.map(({ agentId, name, spec }, i) => {
        const messageId = spec.task === null ? null : supervisor.ports.clock.uuid();
        return { agentId, name, spec, messageId, wanted: wanted.agents[i]?.wanted ?? 'up' };
      }),
      prune: wanted.prune,
      schedules,
    });
  } finally {
    for (const { agentId } of prepared) if (!loop.state.agents[agentId]) await dropLaunch(running, agentId);
  }
  accepted(reply);
  return reportApplied(running, wanted.project, reply);
}

/** The core's own account of what it did, and the agents as they are now. */
function reportApplied(running: Writing, project: string, reply: Reply): Applied {
  const value = reply.ok && typeof reply.value === 'object' ? (reply.value as JsonObject | null) : null;
  const names = (key: string): string[] => (Array.isArray(value?.[key]) ? (value[key] as string[]) : []);
  return {
    project,
    created: names('created'),
    changed: names('changed'),
    unchanged: names('unchanged'),
    undeclared: names('undeclared'),
    pruned: names('pruned'),
    agents: Object.values(running.loop.state.agents)
      .filter((agent) => agent.project === project)
      .map((agent) => viewOf(running, agent)),
  };
}
