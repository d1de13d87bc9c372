/** Programs on this machine: Node, tmux, git, and the CLIs with version and login state. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Driver } from '../../../drivers/driver.ts';
import { NODE_MINIMUM } from '../../../system/node-version.ts';
import { atLeast, type Check, type Finding, type Surroundings, VERSION_TIMEOUT_MS, versionOf } from './check.ts';

const TMUX_MINIMUM = '3.0';
const GIT_MINIMUM = '2.17';

export const checkNode: Check = async (around) => [
  atLeast(around.nodeVersion, NODE_MINIMUM)
    ? { id: 'node', grade: 'ok', message: `node ${around.nodeVersion}`, fix: null }
    : {
        id: 'node',
        grade: 'fail',
        message: `node ${around.nodeVersion} is too old`,
        fix: `install Node ${NODE_MINIMUM} or newer`,
      },
];

export const checkTmux: Check = (around) =>
  checkProgram(around, 'tmux', ['-V'], TMUX_MINIMUM, 'every agent lives in a tmux session');
export const checkGit: Check = (around) =>
  checkProgram(around, 'git', ['--version'], GIT_MINIMUM, 'worktrees and diffs need it');

async function checkProgram(
  around: Surroundings,
  program: string,
  args: string[],
  minimum: string,
  why: string,
): Promise<Finding[]> {
  const answer = await around.run([program, ...args], VERSION_TIMEOUT_MS);
  const version = answer ? versionOf(answer.stdout) : null;
  const install = `install ${program} ${minimum} or newer with your package manager (apt install ${program}, brew install ${program})`;
  if (!answer) return [{ id: program, grade: 'fail', message: `${program} is not on PATH: ${why}`, fix: install }];
  if (!version)
    return [
      {
        id: program,
        grade: 'warn',
        message: `${program} does not tell its version (exit ${answer.code})`,
        fix: install,
      },
    ];
  if (!atLeast(version, minimum))
    return [{ id: program, grade: 'fail', message: `${program} ${version} is too old`, fix: install }];
  return [{ id: program, grade: 'ok', message: `${program} ${version}`, fix: null }];
}

/** One finding for each CLI; a CLI that is not there is no fault as long as one is. */
export const checkClis: Check = async (around) => {
  const findings: Finding[] = [];
  for (const driver of around.drivers) {
    if (driver.id === 'tutti' || driver.id === 'acp') continue;
    findings.push(await checkCli(around, driver));
  }
  if (!findings.some((f) => f.grade === 'ok' || f.grade === 'warn')) {
    findings.push({
      id: 'clis',
      grade: 'warn',
      message: 'no coding CLI is on PATH; only the built-in agent works',
      fix: `install one, for example: ${HOW_TO_INSTALL.claude}`,
    });
  }
  return findings;
};

const HOW_TO_INSTALL = {
  claude: 'npm i -g @anthropic-ai/claude-code',
  codex: 'npm i -g @openai/codex',
  gemini: 'npm i -g @google/gemini-cli',
  opencode: 'npm i -g opencode-ai',
  aider: 'pipx install aider-chat',
  tutti: 'it is built in',
  acp: 'see the documentation of that CLI',
} as const satisfies Record<Driver['id'], string>;

async function checkCli(around: Surroundings, driver: Driver): Promise<Finding> {
  const id = `cli:${driver.id}`;
  const command = around.commands[driver.id] ?? [driver.program];
  const answer = await around.run([...command, ...driver.versionArgs], VERSION_TIMEOUT_MS);
  if (!answer) return { id, grade: 'skip', message: `${command[0]} is not on PATH`, fix: HOW_TO_INSTALL[driver.id] };
  const version = versionOf(answer.stdout) ?? versionOf(answer.stderr);
  if (!version) {
    return {
      id,
      grade: 'warn',
      message: `${command.join(' ')} does not tell its version (exit ${answer.code})`,
      fix: `run  ${command.join(' ')} --version  and look`,
    };
  }
  if (!atLeast(version, driver.minVersion)) {
    return {
      id,
      grade: 'fail',
      message: `${driver.id} ${version} is older than ${driver.minVersion}, which tutti needs`,
      fix: HOW_TO_INSTALL[driver.id],
    };
  }
  const login = loginState(driver.id, around.env);
  const unproven = driver.id === 'aider' ? '; driver written from source, never run here' : '';
  return {
    id,
    grade: login.known ? 'ok' : 'warn',
    message: `${driver.id} ${version}, ${login.text}${unproven}`,
    fix: login.known
      ? null
      : `log in: run  ${command.join(' ')}  once, or set ${LOGINS[driver.id].variables[0] ?? 'its key'}`,
  };
}

/** Where each CLI keeps its login: only looked at for being there, never read. */
const LOGINS = {
  claude: {
    variables: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'],
    files: ['.claude/.credentials.json'],
  },
  codex: { variables: ['OPENAI_API_KEY', 'CODEX_API_KEY'], files: ['.codex/auth.json'] },
  gemini: { variables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'], files: ['.gemini/oauth_creds.json'] },
  opencode: { variables: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY'], files: ['.local/share/opencode/auth.json'] },
  aider: { variables: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'OPENROUTER_API_KEY'], files: [] },
  tutti: { variables: ['ANTHROPIC_API_KEY'], files: [] },
  acp: { variables: [], files: [] },
} as const satisfies Record<Driver['id'], { variables: readonly string[]; files: readonly string[] }>;

function loginState(cli: Driver['id'], env: NodeJS.ProcessEnv): { known: boolean; text: string } {
  const { variables, files } = LOGINS[cli];
  const variable = variables.find((name) => env[name]);
  if (variable) return { known: true, text: `key from ${variable}` };
  const file = files.find((name) => env.HOME && existsSync(join(env.HOME, name)));
  if (file) return { known: true, text: `login file ~/${file} is there (not read)` };
  return { known: false, text: 'no login found' };
}
