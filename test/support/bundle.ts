/** Fixture programs written in TypeScript become one file that plain node runs. */
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/**
 * Bundles `test/fixtures/bin/<name>.ts` into a folder.
 * @returns path of the program
 */
export function bundleFixture(name: string, folder: string): string {
  const outfile = join(folder, `${name}.cjs`);
  buildSync({
    entryPoints: [join(import.meta.dirname, '../fixtures/bin', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    logLevel: 'error',
  });
  return outfile;
}
