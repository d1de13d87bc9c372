/** The recorded streams of the real claude, and what the decoder makes of one. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DriverEventBody } from '../../../../src/core/event.ts';
import { decoder } from '../../../../src/drivers/claude/decoder.ts';
import type { Decoded } from '../../../../src/drivers/driver.ts';

export const STREAMS = fileURLToPath(new URL('../../../streams/', import.meta.url));

/** Not JSONL: `claude -p` without an output format prints the bare answer. */
export const PLAIN_TEXT = ['text-text'];

export const names = readdirSync(`${STREAMS}claude`)
  .filter((file) => file.endsWith('.jsonl'))
  .map((file) => file.slice(0, -'.jsonl'.length))
  .filter((name) => !PLAIN_TEXT.includes(name));

export const linesOf = (name: string): string[] =>
  readFileSync(`${STREAMS}claude/${name}.jsonl`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

export function decode(lines: string[]): { decoded: Decoded[]; events: DriverEventBody[]; end: DriverEventBody[] } {
  const fresh = decoder();
  const decoded = lines.map((text) => fresh.push({ dir: 'out', text }));
  return { decoded, events: decoded.flatMap((each) => each.events), end: fresh.end() };
}

export const ofType = <T extends DriverEventBody['type']>(events: DriverEventBody[], type: T) =>
  events.filter((event): event is Extract<DriverEventBody, { type: T }> => event.type === type);
