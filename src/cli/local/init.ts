/** `tutti init`: writes tutti.yaml, rules/ and LEARNINGS.md for a repository. Never overwrites. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PROJECT_FILE, projectName } from '../config-file.ts';
import { CliFailure } from '../failure.ts';
import type { CommandFile, Context } from '../program.ts';

/** In the order in which they are proposed as the default. */
const CLIS = ['claude', 'codex', 'gemini', 'opencode'] as const;

export const command: CommandFile = {
  define(command, run) {
    command
      .option('--cli <name>', 'default CLI of the agents (default: the first one found on PATH)')
      .addHelpText('after', '\nExamples:\n  $ tutti init\n  $ tutti init --cli codex')
      .action(run(async (context, options: { cli?: string }) => init(context, options)));
  },
};

async function init(context: Context, options: { cli?: string }): Promise<void> {
  const cli = options.cli ?? CLIS.find((name) => onPath(name, context.env.PATH)) ?? 'claude';
  const files: [string, string][] = [
    [PROJECT_FILE, projectText(projectName(context.cwd), cli)],
    [join('rules', 'README.md'), RULES],
    ['LEARNINGS.md', LEARNINGS],
  ];
  const written: string[] = [];
  const kept: string[] = [];
  for (const [name, text] of files) {
    const path = join(context.cwd, name);
    if (existsSync(path)) {
      kept.push(name);
      continue;
    }
    try {
      if (name.startsWith('rules')) mkdirSync(join(context.cwd, 'rules'), { recursive: true });
      writeFileSync(path, text, { flag: 'wx' });
    } catch (error) {
      throw new CliFailure('RUNTIME_ERROR', `cannot write ${path}: ${(error as Error).message}`, {
        hint: 'check the permissions of the folder and the space on its disk',
      });
    }
    written.push(name);
  }
  const lines = [...written.map((name) => `wrote  ${name}`), ...kept.map((name) => `kept   ${name} (it was there)`)];
  context.out.result({ written, kept, cli }, `${lines.join('\n')}\nNext: edit ${PROJECT_FILE}, then  tutti up`);
}

function onPath(program: string, path: string | undefined): boolean {
  return (path ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));
}

function projectText(project: string, cli: string): string {
  return `# Agents of this repository. tutti config check checks it; tutti up brings it up.
version: 1
project: ${project}
defaults:
  cli: ${cli}
  permissions: auto        # ask | auto | bypass
agents:
  # alice:
  #   task: Fix the flaky login test, then run the auth suite.
`;
}

const RULES = `# Rules

Two rules are built in and hold in every mode: \`no-self-approve\` (an agent does not answer its own requests or command agents that are
not below it) and \`no-tutti-home\` (an agent stays out of tutti's own files and sockets).
`;

const LEARNINGS = `# Learnings

What went wrong once and shall not again. One entry each, newest first: when, problem, cause, fix, prevention.
`;
