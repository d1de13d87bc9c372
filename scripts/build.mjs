// Builds dist/: main.js (the program, packages external, commands loaded on demand) and host.cjs (the pane host: built-ins only).
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Same sources, same id: tells two builds apart when a supervisor greets a host. */
function buildId() {
  const hash = createHash('sha256');
  for (const file of readdirSync(join(root, 'src'), { recursive: true }).sort()) {
    if (String(file).endsWith('.ts')) hash.update(String(file)).update(readFileSync(join(root, 'src', String(file))));
  }
  return hash.digest('hex').slice(0, 12);
}

const define = {
  TUTTI_VERSION: JSON.stringify(pkg.version),
  TUTTI_BUILD: JSON.stringify(buildId()),
};
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  define,
  logLevel: 'warning',
  absWorkingDir: root,
};

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { main: 'src/main.ts' },
  outdir: 'dist',
  format: 'esm',
  splitting: true,
  packages: 'external',
  banner: { js: '#!/usr/bin/env node' },
});
const host = await build({
  ...common,
  // The guard and the drivers are files of their own: the host loads them when it needs them (src/host/side-files.ts).
  entryPoints: {
    host: 'src/host/main.ts',
    guard: 'src/core/guard/index.ts',
    ...Object.fromEntries(
      ['claude', 'codex', 'gemini', 'opencode', 'aider', 'builtin', 'acp'].map((name) => [
        `driver-${name}`,
        `src/drivers/${name}/index.ts`,
      ]),
    ),
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  minify: true,
  keepNames: true,
  metafile: true,
});
for (const output of Object.values(host.metafile.outputs)) {
  const foreign = output.imports.filter((i) => !i.path.startsWith('node:'));
  if (foreign.length > 0)
    throw new Error(`the pane host may use built-ins only, not ${foreign.map((i) => i.path).join(', ')}`);
}
const packaged = Object.keys(host.metafile.inputs).filter((i) => i.includes('node_modules'));
if (packaged.length > 0) throw new Error(`the pane host bundles a package: ${packaged.join(', ')}`);
chmodSync(join(root, 'dist/main.js'), 0o755);
