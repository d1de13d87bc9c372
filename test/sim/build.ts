/** Builds the simulation over a given copy of the sources, so that a broken rule can be planted in the copy. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { execaSync } from 'execa';

const ROOT = join(import.meta.dirname, '../..');

/** @returns how the run over the patched sources ended. The copy is removed again. */
export function runPatched(patch: string | null, args: string[]): { exitCode: number; output: string } {
  const copy = mkdtempSync(join(tmpdir(), 'tutti-planted-'));
  try {
    for (const part of ['src/core', 'test/sim']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    // In a folder below no repository, git takes the patch as it is; GIT_DIR of an outer run must not lead it elsewhere.
    const env = { GIT_CEILING_DIRECTORIES: tmpdir(), GIT_DIR: join(copy, '.git') };
    if (patch !== null) execaSync('git', ['apply', '--whitespace=nowarn', patch], { cwd: copy, env });
    const outfile = join(copy, 'sim.mjs');
    buildSync({
      entryPoints: [join(copy, 'test/sim/main.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
      outfile,
    });
    const { exitCode, stdout, stderr } = execaSync(process.execPath, [outfile, ...args], { reject: false });
    return { exitCode: exitCode ?? -1, output: `${stdout}\n${stderr}` };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
