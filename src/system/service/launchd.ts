/** launchd, through launchctl. Written from its manual; macOS has not been tried. */
import { type RunResult, runProcess } from '../process.ts';
import { require, type ServiceFacts, type ServiceManager, UNKNOWN_FACTS } from './manager.ts';
import { MANAGER_LIMIT_MS, userManagerEnvironment } from './user-manager.ts';

type Environment = Record<string, string | undefined>;

/** `bootout` waits for the supervisor's end: longer than ExitTimeOut. Milliseconds. */
const STOP_MS = 60_000;

const domain = (): string => `gui/${process.getuid?.() ?? 0}`;

function call(env: Environment, words: string[], timeoutMs = MANAGER_LIMIT_MS): Promise<RunResult> {
  return runProcess(['launchctl', ...words], { env: userManagerEnvironment(env), timeoutMs });
}

/** Labels of a plan: the names of its plists. */
const plists = (files: { path: string }[]): { path: string; label: string }[] =>
  files
    .filter(({ path }) => path.endsWith('.plist'))
    .map(({ path }) => ({ path, label: path.slice(path.lastIndexOf('/') + 1, -'.plist'.length) }));

export function launchd(env: Environment): ServiceManager {
  const loaded = async (label: string): Promise<boolean> => (await call(env, ['print', `${domain()}/${label}`])).ok;
  const unload = async (label: string): Promise<void> => {
    if (await loaded(label)) {
      require(await call(env, ['bootout', `${domain()}/${label}`], STOP_MS), `launchctl bootout ${label}`);
    }
  };
  return {
    async trouble() {
      const asked = await call(env, ['print', domain()]);
      if (asked.ok) return null;
      return asked.started
        ? `launchd has no ${domain()}: nobody is logged in at the screen`
        : 'launchctl is not on PATH';
    },
    async enable({ files, name }, fresh) {
      for (const { path, label } of plists(files)) {
        if (!fresh && (await loaded(label))) continue;
        // An agent that is loaded keeps the plist it was loaded with.
        await unload(label);
        require(await call(env, ['bootstrap', domain(), path]), `launchctl bootstrap ${label}`);
      }
      // One that a person had stopped is loaded and does not run.
      require(await call(env, ['kickstart', `${domain()}/${name}`]), `launchctl kickstart ${name}`);
    },
    async disable({ files }) {
      // The timer first, so that it does not look after what is being taken away.
      for (const { label } of plists(files).reverse()) await unload(label);
    },
    // launchd keeps nothing of an agent that was unloaded.
    reload: async () => undefined,
    async facts(label) {
      const asked = await call(env, ['print', `${domain()}/${label}`]);
      return asked.ok ? factsOf(asked.stdout) : UNKNOWN_FACTS;
    },
  };
}

/** Asks for a start by hand. Returns why it was refused, or null. */
export async function kickstart(label: string, env: Environment): Promise<string | null> {
  const asked = await call(env, ['kickstart', `${domain()}/${label}`]);
  return asked.ok ? null : (asked.stderr || asked.message).trim();
}

function factsOf(text: string): ServiceFacts {
  const value = (key: string): string | null => new RegExp(`^\\s*${key} = (.+)$`, 'm').exec(text)?.[1] ?? null;
  const exit = value('last exit code');
  const runs = Number(value('runs'));
  return {
    enabled: true,
    active: value('state'),
    pid: Number(value('pid')) || null,
    lastExit: exit === null || exit.includes('never') ? null : `exit ${exit}`,
    restarts: Number.isInteger(runs) && runs > 0 ? runs - 1 : null,
  };
}
