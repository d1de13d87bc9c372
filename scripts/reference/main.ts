/**
 * Writes docs/reference/ from the code (commands, configuration, dangers, events), and the generated part of docs/reliability.md.
 * `--check` only compares, and fails when a page is stale.
 *
 *     node scripts/run-ts.mjs scripts/reference/main.ts [--check]
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { dangersPage } from './dangers.ts';
import { eventsPage } from './events.ts';
import { reliabilityPage } from './reliability.ts';

const folder = join(process.cwd(), 'docs');
const pages: Record<string, string> = {
  'reference/commands.md': await commandsPage(),
  'reference/configuration.md': configurationPage(),
  'reference/dangers.md': dangersPage(),
  'reference/events.md': eventsPage(),
  'reliability.md': reliabilityPage(readFileSync(join(folder, 'reliability.md'), 'utf8')),
};

const check = process.argv.includes('--check');
const stale: string[] = [];
mkdirSync(join(folder, 'reference'), { recursive: true });
for (const [name, text] of Object.entries(pages)) {
  const path = join(folder, name);
  if (check && (!existsSync(path) || readFileSync(path, 'utf8') !== text)) stale.push(name);
  if (!check) writeFileSync(path, text);
}
if (stale.length > 0) {
  process.stderr.write(`stale: docs/{${stale.join(',')}}; npm run docs writes them anew\n`);
  process.exitCode = 1;
}
