// Runs a TypeScript program of this repository: bundles it in memory (packages stay external) and imports the result.
// Usage: node scripts/run-ts.mjs FILE [ARGUMENTS…]
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const [, , file, ...args] = process.argv;
if (!file) {
  process.stderr.write('usage: node scripts/run-ts.mjs FILE [ARGUMENTS…]\n');
  process.exit(2);
}
// Inside the repository, so that packages are found from there.
const folder = mkdtempSync(join(root, 'node_modules', '.run-ts-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, 'program.mjs');
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
process.argv = [process.argv[0], file, ...args];
await import(pathToFileURL(outfile).href);
