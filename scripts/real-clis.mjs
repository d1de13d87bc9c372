// Installs the real CLIs that `npm run test:real` drives into .cache/real-clis/<name>/, at the versions the drivers were checked against.
// Idempotent: what is there in the right version stays. Prints one line per CLI; exit 1 when one could not be had.
// Usage: node scripts/real-clis.mjs [claude codex gemini opencode]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Package, version and executable of each CLI. */
const CLIS = {
  claude: { name: '@anthropic-ai/claude-code', version: '2.1.197', bin: 'claude' },
  codex: { name: '@openai/codex', version: '0.169.0', bin: 'codex' },
  gemini: { name: '@google/gemini-cli', version: '0.61.0', bin: 'gemini' },
  opencode: { name: 'opencode-ai', version: '1.18.33', bin: 'opencode' },
};
/** A registry that does not deliver in this time will not. Milliseconds. */
const INSTALL_LIMIT_MS = 600_000;

const cache = join(new URL('..', import.meta.url).pathname, '.cache', 'real-clis');

function installedVersion(folder, cli) {
  const manifest = join(folder, 'node_modules', cli.name, 'package.json');
  if (!existsSync(manifest) || !existsSync(join(folder, 'node_modules', '.bin', cli.bin))) return null;
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/** Installs one CLI; returns null, or why it could not be had. */
function install(folder, cli) {
  mkdirSync(folder, { recursive: true });
  // A manifest of its own keeps npm from walking up to this repository.
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const args = [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `${cli.name}@${cli.version}`,
  ];
  const run = spawnSync('npm', args, { encoding: 'utf8', timeout: INSTALL_LIMIT_MS });
  if (run.status === 0 && installedVersion(folder, cli) === cli.version) return null;
  return (
    (run.error?.message ?? run.stderr ?? '').trim().split('\n').slice(-3).join(' | ') || `npm exited with ${run.status}`
  );
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(CLIS);
let failed = false;
for (const name of wanted) {
  const cli = CLIS[name];
  if (!cli) {
    console.error(`no such CLI: ${name} (known: ${Object.keys(CLIS).join(' ')})`);
    process.exit(2);
  }
  const folder = join(cache, name);
  const problem = installedVersion(folder, cli) === cli.version ? null : install(folder, cli);
  if (problem !== null) failed = true;
  const where = join(folder, 'node_modules', '.bin', cli.bin);
  console.log(
    problem === null ? `${name} ${cli.version} ${where}` : `${name} ${cli.version} not available: ${problem}`,
  );
}
process.exit(failed ? 1 : 0);
