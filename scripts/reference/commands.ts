/** docs/reference/commands.md: what `--help` prints, for every command. */
import { PassThrough } from 'node:stream';
import { entries } from '../../src/cli/entries.ts';
import { type Environment, runProgram } from '../../src/cli/program.ts';

const SUBCOMMANDS: Record<string, string[]> = {
  config: ['check', 'schema', 'show'],
  supervisor: ['start', 'stop', 'restart', 'status'],
  service: ['install', 'uninstall', 'status', 'print'],
};

export async function commandsPage(): Promise<string> {
  const parts = ['# Commands', '', 'Generated from the program by `npm run docs`.', '', block(await help([]))];
  for (const entry of entries) {
    if (entry.hidden) continue;
    parts.push('', `## tutti ${entry.name}`, '', block(await help([entry.name])));
    for (const sub of SUBCOMMANDS[entry.name] ?? []) parts.push('', block(await help([entry.name, sub])));
  }
  return `${parts.join('\n')}\n`;
}

const block = (text: string): string => `\`\`\`text\n${text.trimEnd()}\n\`\`\``;

async function help(argv: string[]): Promise<string> {
  const stdout = new PassThrough();
  let text = '';
  stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  const environment = {
    argv: [...argv, '--help'],
    env: {},
    cwd: '/',
    stdin: process.stdin,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stdout as unknown as NodeJS.WriteStream,
    version: '0',
    resolveHome: () => '/',
    connect: () => Promise.reject(new Error('help needs no supervisor')),
  };
  await runProgram(environment as unknown as Environment, entries);
  return text;
}
