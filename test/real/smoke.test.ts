/** Each real CLI once, without tutti: the scripted server speaks its API, and the environment is complete. */
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ScriptedModel } from '../../src/agents/scripted-model/index.ts';
import { REAL_CLIS, type RealCli, realCli, skipLine } from '../support/real-clis.ts';
import { startScriptedServer, userTexts } from '../support/scripted/index.ts';

/** A CLI that has not ended by then hangs. Milliseconds. */
const RUN_LIMIT_MS = 120_000;

let root: string;
let model: ScriptedModel;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-real-')));
  for (const folder of ['home', 'work']) mkdirSync(join(root, folder));
  model = await startScriptedServer();
});
afterEach(async () => {
  await model.close();
  rmSync(root, { recursive: true, force: true });
});

async function run(cli: RealCli, prompt: string) {
  const env = cli.environment(join(root, 'home'), model.urlFor('agent'));
  const [program = '', ...args] = [...cli.command, ...cli.oneShot(prompt)];
  return execa(program, args, {
    cwd: join(root, 'work'),
    env,
    extendEnv: false,
    stdin: 'ignore',
    timeout: RUN_LIMIT_MS,
    reject: false,
  });
}

for (const name of REAL_CLIS) {
  const cli = realCli(name);
  if (cli === null) console.warn(skipLine(name));
  describe.skipIf(cli === null)(`${name} against the scripted server`, () => {
    test('does a task with a tool call', async () => {
      if (cli === null) throw new Error(skipLine(name));
      const result = await run(cli, '[[scenario:tool cmd="echo made by a tool > made.txt"]] Do the task.');
      expect(result.exitCode, result.stderr).toBe(0);
      expect(readFileSync(join(root, 'work', 'made.txt'), 'utf8')).toBe('made by a tool\n');
      // The streams cut the last sentence in pieces.
      expect(result.stdout).toContain('finished the task.');
      expect(userTexts(model, 'agent').join('\n')).toContain('Do the task.');
      expect(model.messages('agent').map(({ role }) => role)).toContain('result');
    });

    test('is told a message word by word', async () => {
      if (cli === null) throw new Error(skipLine(name));
      const result = await run(cli, 'please say this back');
      expect(result.exitCode, result.stderr).toBe(0);
      expect(result.stdout).toContain('ack ');
    });
  });
}
