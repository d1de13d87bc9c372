/**
 * Which driver serves which CLI, and which decoder reads which dialect. Adding a CLI means adding a folder and a line here;
 * one that speaks ACP needs neither: `protocol: acp` in the configuration is enough.
 */
import { acp, acpDecoder } from './acp/index.ts';
import { aider } from './aider/index.ts';
import { builtin } from './builtin/index.ts';
import { claude } from './claude/index.ts';
import { codex, codexExec } from './codex/index.ts';
import type { CliId, Decoder, Driver } from './driver.ts';
import { gemini, geminiStream } from './gemini/index.ts';
import { opencode, opencodeStream } from './opencode/index.ts';

/** One driver for each CLI that is known by name. */
export const drivers: Record<CliId, Driver> = { claude, codex, gemini, opencode, aider, tutti: builtin };

/** What `tutti normalize --from` reads. `gemini` and `opencode` are the one-shot streams; their supervised form is `acp`. */
export const dialects = {
  claude,
  codex,
  'codex-exec': codexExec,
  gemini: geminiStream,
  acp: { decoder: acpDecoder },
  opencode: opencodeStream,
  aider,
  tutti: builtin,
} as const satisfies Record<string, { decoder(): Decoder }>;

export type Dialect = keyof typeof dialects;

const isCliId = (name: string): name is CliId => Object.hasOwn(drivers, name);

/**
 * The driver for a CLI as the configuration names it: the known one, or for another name with `protocol: acp`
 * the plain ACP driver (whose program is `clis.<name>.command`). null = tutti cannot drive it.
 */
export function driverFor(cli: string, protocol?: 'acp'): Driver | null {
  if (isCliId(cli)) return drivers[cli];
  return protocol === 'acp' ? acp : null;
}
