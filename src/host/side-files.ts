/**
 * The parts of the host that stand in files of their own beside the program, so that an idle host neither reads nor keeps them:
 * the guard (`guard.cjs`, loaded at the first judged call) and one driver each (`driver-claude.cjs` …, loaded at the first start).
 */
import { createRequire } from 'node:module';
import type { judge } from '../core/guard/index.ts';
import type { CliId, Driver } from '../drivers/driver.ts';

export type Guard = typeof judge;

/** File and export of each driver. */
const DRIVERS = {
  claude: 'claude',
  codex: 'codex',
  gemini: 'gemini',
  opencode: 'opencode',
  aider: 'aider',
  tutti: 'builtin',
} as const satisfies Record<CliId, string>;

const isCliId = (name: string): name is CliId => Object.hasOwn(DRIVERS, name);

/**
 * The driver for a CLI as the configuration names it; for another name with `protocol: acp` the plain ACP one; null = there is none.
 * Throws where the file cannot be loaded.
 */
export function loadDriver(program: string, cli: string, protocol: 'acp' | null): Driver | null {
  const name = isCliId(cli) ? DRIVERS[cli] : protocol;
  return name === null ? null : (exported(program, `driver-${name}.cjs`, name) as Driver);
}

/** Throws where it cannot be loaded, which the gate takes for a deny. */
export function loadGuard(program: string): Guard {
  const guard = exported(program, 'guard.cjs', 'judge');
  if (typeof guard !== 'function') throw new Error('guard.cjs has no judge');
  return guard as Guard;
}

function exported(program: string, file: string, name: string): unknown {
  const loaded: unknown = createRequire(program)(`./${file}`);
  const value = typeof loaded === 'object' && loaded !== null ? (loaded as Record<string, unknown>)[name] : undefined;
  if (value === undefined) throw new Error(`${file} has no ${name}`);
  return value;
}
