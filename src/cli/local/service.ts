/**
 * `tutti service install|uninstall|status|print`: the supervisor in the hands of systemd (user unit) or launchd (agent), which
 * start it at login or boot, and anew whenever it dies or hangs. Agents keep running through all of it.
 */
import { lockOwner } from '../../system/lock.ts';
import { type HomePaths, homePaths, prepareHome } from '../../system/paths.ts';
import { launchd } from '../../system/service/launchd.ts';
import { ManagerError, type ServiceFacts, type ServiceManager, UNKNOWN_FACTS } from '../../system/service/manager.ts';
import { type ServiceKind, type ServicePlace, servicePlace } from '../../system/service/place.ts';
import {
  type FileState,
  fileState,
  removeServiceFile,
  type ServicePlan,
  servicePlan,
  writeServiceFile,
} from '../../system/service/plan.ts';
import { forgetService, recordService } from '../../system/service/record.ts';
import { systemd } from '../../system/service/systemd.ts';
import { enableLinger, lingers, systemdVersion } from '../../system/service/user-manager.ts';
import { CliFailure } from '../failure.ts';
import { table } from '../output.ts';
import type { CommandFile, Context, Runner } from '../program.ts';
import type { Command } from 'commander';
import { endSupervisor } from './supervisor-end.ts';

interface Flags {
  launchd?: boolean;
  systemd?: boolean;
  force?: boolean;
  linger?: boolean;
}

const MANAGERS = { systemd, launchd } as const satisfies Record<ServiceKind, (env: Context['env']) => ServiceManager>;

export const command: CommandFile = {
  define(command, run) {
    command.addHelpText(
      'afterAll',
      '\nExamples:\n  $ tutti service print                 what would be written\n  $ tutti service install --linger      and without a login too\n  $ tutti service status',
    );
    sub(command, 'install', 'write its files and start it')
      .option('--force', 'also over files that are not ours')
      .option('--linger', 'let your programs run without a login (loginctl enable-linger)')
      .action(action(run, install));
    sub(command, 'uninstall', 'stop it and remove its files; agents keep running').action(action(run, uninstall));
    sub(command, 'status', 'is it installed, and does it run').action(action(run, status));
    sub(command, 'print', 'the unit, and write nothing').action(action(run, print));
  },
};

function sub(command: Command, name: string, summary: string): Command {
  return command
    .command(name)
    .summary(summary)
    .description(summary)
    .option('--systemd', 'a systemd user unit (the default but on macOS)')
    .option('--launchd', 'a launchd agent (the default on macOS)');
}

function action(run: Runner, act: (service: Service, flags: Flags) => Promise<void>): (flags: Flags) => Promise<void> {
  return run(async (context: Context, flags: Flags) => act(await serviceOf(context, flags), flags));
}

interface Service {
  context: Context;
  paths: HomePaths;
  place: ServicePlace;
  plan: ServicePlan;
  manager: ServiceManager;
}

async function serviceOf(context: Context, flags: Flags): Promise<Service> {
  if (flags.launchd && flags.systemd) {
    throw new CliFailure('INVALID_ARGUMENT', '--launchd and --systemd exclude each other', {
      hint: 'give one of them',
    });
  }
  const kind: ServiceKind = flags.launchd || (!flags.systemd && process.platform === 'darwin') ? 'launchd' : 'systemd';
  const { env, home } = context;
  const version = kind === 'systemd' ? await systemdVersion(env) : null;
  let place: ServicePlace;
  try {
    place = servicePlace({ home, env, node: process.execPath, main: context.local.program, systemdVersion: version });
  } catch (error) {
    throw new CliFailure('INVALID_ARGUMENT', (error as Error).message);
  }
  return { context, paths: homePaths(home), place, plan: servicePlan(kind, place), manager: MANAGERS[kind](env) };
}

async function install(service: Service, flags: Flags): Promise<void> {
  const { context, paths, place, plan, manager } = service;
  await requireManager(service);
  const foreign = plan.files.filter((file) => fileState(file, place) === 'foreign');
  if (foreign.length > 0 && !flags.force) {
    const names = foreign.map(({ path }) => path).join(', ');
    throw new CliFailure('CONFLICT', `${names} was not written by tutti for this home; nothing was changed`, {
      hint: 'look at it, then move it away or add --force',
    });
  }
  prepareHome(place.home);
  context.local.keepForSupervisor(place.home, context.env);
  const files = plan.files.map((file) => ({ path: file.path, written: writeServiceFile(file) }));
  const changed = files.some(({ written }) => written);
  // One that was started by a command makes room for the service's; its agents do not notice.
  const owner = lockOwner(paths.supervisorLock);
  const takenOver = owner !== null && (await manager.facts(plan.name)).pid !== owner.pid;
  if (takenOver) await endSupervisor(context);
  recordService(paths.serviceRecord, plan);
  await asked(() => manager.enable(plan, changed));
  const linger = plan.kind === 'systemd' ? await settleLinger(service, flags) : null;
  const facts = await manager.facts(plan.name);
  const data = { kind: plan.kind, name: plan.name, home: place.home, files, takenOver, linger, ...facts };
  const lines = [
    ...files.map(({ path, written }) => `${written ? 'wrote     ' : 'unchanged '} ${path}`),
    ...(takenOver ? [`the supervisor that ran (pid ${owner?.pid}) made room for it; agents kept running`] : []),
    `${plan.name} is installed: the supervisor is started at ${linger ? 'boot' : 'login'}, and anew when it dies or hangs`,
    ...lingerLines(linger),
  ];
  context.out.result(data, lines.join('\n'));
}

/** true: the user's programs run without a login. */
async function settleLinger({ context }: Service, flags: Flags): Promise<boolean | null> {
  if (!flags.linger || lingers() === true) return lingers();
  const refused = await enableLinger(context.env);
  if (refused !== null) context.out.note(`loginctl enable-linger was refused: ${refused}`);
  return lingers();
}

function lingerLines(linger: boolean | null): string[] {
  if (linger !== false) return [];
  return [
    'without a login your programs are ended, the agents too. To have them run from boot on:',
    '  loginctl enable-linger        (or: tutti service install --linger)',
  ];
}

async function uninstall({ context, paths, place, plan, manager }: Service): Promise<void> {
  const ours = plan.files.filter((file) => !['missing', 'foreign'].includes(fileState(file, place)));
  const trouble = await manager.trouble();
  if (ours.length > 0 && trouble === null) await asked(() => manager.disable(plan));
  const removed = ours.filter((file) => removeServiceFile(file, place)).map(({ path }) => path);
  if (removed.length > 0 && trouble === null) await asked(() => manager.reload());
  forgetService(paths.serviceRecord);
  const kept = plan.files.filter((file) => fileState(file, place) === 'foreign').map(({ path }) => path);
  const lines = [
    ...removed.map((path) => `removed ${path}`),
    ...kept.map((path) => `kept    ${path}: it was not written by tutti for this home`),
    ...(trouble !== null && removed.length > 0 ? [`the service manager could not be told: ${trouble}`] : []),
    removed.length > 0 ? `${plan.name} is uninstalled; agents keep running` : `${plan.name} was not installed`,
  ];
  context.out.result({ kind: plan.kind, name: plan.name, removed, kept, manager: trouble }, lines.join('\n'));
}

async function status({ context, place, plan, manager }: Service): Promise<void> {
  const files = plan.files.map((file) => ({ path: file.path, state: fileState(file, place) }));
  const installed = files.every(({ state }) => state === 'current' || state === 'outdated');
  const trouble = await manager.trouble();
  const facts = trouble === null ? await manager.facts(plan.name) : UNKNOWN_FACTS;
  const linger = plan.kind === 'systemd' ? lingers() : null;
  const data = {
    kind: plan.kind,
    name: plan.name,
    home: place.home,
    installed,
    files,
    manager: trouble,
    linger,
    ...facts,
  };
  context.out.result(data, statusText(plan, installed, files, facts, linger, trouble));
}

function statusText(
  plan: ServicePlan,
  installed: boolean,
  files: { path: string; state: FileState }[],
  facts: ServiceFacts,
  linger: boolean | null,
  trouble: string | null,
): string {
  const yesNo = (value: boolean | null): string => (value === null ? '-' : value ? 'yes' : 'no');
  const columns = ['NAME', 'INSTALLED', 'ENABLED', 'ACTIVE', 'PID', 'LAST EXIT', 'RESTARTS', 'LINGER'];
  const row = [
    plan.name,
    yesNo(installed),
    yesNo(facts.enabled),
    facts.active ?? '-',
    String(facts.pid ?? '-'),
    facts.lastExit ?? '-',
    String(facts.restarts ?? '-'),
    yesNo(linger),
  ];
  const stale = files.some(({ state }) => state === 'outdated');
  return [
    table(
      columns.map((title) => ({ title })),
      [row],
      Number.POSITIVE_INFINITY,
    ),
    ...files.map(({ path, state }) => `${state.padEnd(8)}  ${path}`),
    ...(trouble === null ? [] : [`the service manager cannot be asked: ${trouble}`]),
    ...(stale ? ['outdated files are written anew by: tutti service install'] : []),
  ].join('\n');
}

async function print({ context, plan }: Service): Promise<void> {
  const { kind, name, main, files } = plan;
  context.out.result({ kind, name, path: main.path, files }, main.text);
  if (context.out.json) return;
  context.out.note(`goes to ${main.path}`);
  for (const { path } of files) if (path !== main.path) context.out.note(`beside it ${path} (--json shows it)`);
}

const WAYS_OUT = {
  systemd:
    'log in directly as this user (not with su or sudo), so that systemd --user runs; or have it started without a service: tutti supervisor start',
  launchd:
    'log in at the screen of this Mac as this user; or have it started without a service: tutti supervisor start',
} as const satisfies Record<ServiceKind, string>;

async function requireManager({ plan, manager }: Service): Promise<void> {
  const trouble = await manager.trouble();
  if (trouble === null) return;
  throw new CliFailure('RUNTIME_ERROR', `the ${plan.kind} of this user cannot be reached; nothing was changed`, {
    why: trouble,
    hint: `${WAYS_OUT[plan.kind]}\ntutti service print --${plan.kind} shows what would be written`,
  });
}

/** What a manager refuses is no bug of ours. */
async function asked(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ManagerError)) throw error;
    throw new CliFailure('RUNTIME_ERROR', error.message, { hint: 'tutti service status shows where it stands' });
  }
}
