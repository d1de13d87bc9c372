import { describe, expect, test } from 'vitest';
import { dialects, driverFor, drivers } from '../../../src/drivers/registry.ts';
import { byteByByte, bytesOf, chunked, NOT_JSONL, namesOf, normalized } from './normalize-streams.ts';

const dialectOf = (cli: string, name: string) => {
  if (cli === 'codex') return name.startsWith('app-server') ? dialects.codex : dialects['codex-exec'];
  return dialects.claude;
};
const streams = ['claude', 'codex'].flatMap((cli) => namesOf(cli).map((name) => [cli, name] as const));
const jsonl = streams.filter(([cli, name]) => NOT_JSONL[`${cli}/${name}`] === undefined);

describe('the registry', () => {
  test.each(jsonl)('reads %s %s to the last line, the same however its bytes are split', (cli, name) => {
    const all = bytesOf(cli, name);
    const dialect = dialectOf(cli, name);
    const whole = normalized(dialect, [all]);
    expect(whole.stats.kinds.raw).toEqual({});
    expect(whole.stats.decoded + whole.stats.empty).toBe(whole.stats.lines);
    expect(normalized(dialect, chunked(all, 7))).toEqual(whole);
    // Byte by byte takes long for the largest ones; the splitter's own tests have every split.
    if (all.length < 100_000) expect(normalized(dialect, byteByByte(all))).toEqual(whole);
  });

  test('names each driver by its own id', () => {
    for (const [id, driver] of Object.entries(drivers)) expect(driver.id).toBe(id);
  });

  test('has a driver for what the configuration declares as ACP, and none for what it does not', () => {
    expect(driverFor('claude')).toBe(drivers.claude);
    expect(driverFor('claude', 'acp')).toBe(drivers.claude);
    expect(driverFor('grok', 'acp')?.id).toBe('acp');
    expect(driverFor('grok')).toBeNull();
    expect(driverFor('__proto__')).toBeNull();
  });
});
