// Builds the simulation into a folder of its own and runs it: `npm run sim -- --seed N`, `npm run sim -- --count 100000`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = process.env.SIM_ROOT ?? join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'tutti-sim-'));
try {
  const outfile = join(folder, 'sim.mjs');
  buildSync({
    entryPoints: [join(root, 'test/sim/main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    outfile,
  });
  const args = ['--enable-source-maps', outfile, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
