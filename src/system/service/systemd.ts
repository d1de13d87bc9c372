/** systemd of the user, through systemctl. */
import { type RunResult, runProcess } from '../process.ts';
import { require, type ServiceFacts, type ServiceManager, UNKNOWN_FACTS } from './manager.ts';
import { MANAGER_LIMIT_MS, userManagerEnvironment } from './user-manager.ts';

type Environment = Record<string, string | undefined>;

const PROPERTIES = 'UnitFileState,ActiveState,MainPID,ExecMainCode,ExecMainStatus,NRestarts';
/** `disable --now` waits for the supervisor's end: longer than TimeoutStopSec. Milliseconds. */
const STOP_MS = 60_000;

/** Values of `ExecMainCode`, as in waitid(2). */
const ENDS: Record<string, string> = { '1': 'exit', '2': 'signal', '3': 'signal (core dumped)' };

function call(env: Environment, words: string[], timeoutMs = MANAGER_LIMIT_MS): Promise<RunResult> {
  return runProcess(['systemctl', '--user', ...words], { env: userManagerEnvironment(env), timeoutMs });
}

export function systemd(env: Environment): ServiceManager {
  return {
    async trouble() {
      const asked = await call(env, ['show', '--property=Version']);
      if (asked.ok) return null;
      if (!asked.started) return 'systemctl is not on PATH';
      return (asked.stderr || asked.message).trim().split('\n')[0] ?? 'systemctl failed without a word';
    },
    async enable({ name }, fresh) {
      require(await call(env, ['daemon-reload']), 'systemctl daemon-reload');
      require(await call(env, ['enable', name]), `systemctl enable ${name}`);
      // Not waited for: READY comes when every journal has been read.
      const verb = fresh ? 'restart' : 'start';
      require(await call(env, [verb, '--no-block', name]), `systemctl ${verb} ${name}`);
    },
    async disable({ name }) {
      require(await call(env, ['disable', '--now', name], STOP_MS), `systemctl disable ${name}`);
    },
    async reload() {
      require(await call(env, ['daemon-reload']), 'systemctl daemon-reload');
    },
    async facts(name) {
      const asked = await call(env, ['show', name, `--property=${PROPERTIES}`]);
      return asked.ok ? factsOf(asked.stdout) : UNKNOWN_FACTS;
    },
  };
}

/** Asks for a start by hand. Returns why it was refused, or null. */
export async function startUnit(name: string, env: Environment): Promise<string | null> {
  const asked = await call(env, ['start', '--no-block', name]);
  return asked.ok ? null : (asked.stderr || asked.message).trim();
}

function factsOf(text: string): ServiceFacts {
  const facts = new Map(text.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  const number = (key: string): number | null => {
    const value = Number(facts.get(key));
    return facts.get(key) && Number.isInteger(value) ? value : null;
  };
  const state = facts.get('UnitFileState') ?? '';
  const end = ENDS[facts.get('ExecMainCode') ?? ''];
  return {
    enabled: state === '' ? null : state === 'enabled',
    active: facts.get('ActiveState') || null,
    pid: number('MainPID') || null,
    lastExit: end ? `${end} ${facts.get('ExecMainStatus')}` : null,
    restarts: number('NRestarts'),
  };
}
