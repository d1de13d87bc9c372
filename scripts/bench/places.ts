/** Where the program under test and the recordings are: the folder above `scripts/bench`, whatever the bundle's own place. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(dirname(process.argv[1] as string), '../..');

export const places = {
  runner: join(root, 'scripts/run-ts.mjs'),
  program: join(root, 'dist/main.js'),
  recordings: join(root, 'test/streams/claude'),
  fakeClaude: join(root, 'scripts/bench/fake-claude.mjs'),
  page: join(root, 'docs/performance.md'),
};

export function requireBuild(): void {
  if (!existsSync(places.program)) throw new Error('there is no dist/: run `npm run build` first');
}
