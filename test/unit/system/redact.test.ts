import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretText } from '../../../src/system/redact.ts';

/** Tokens are put together here, so that no scanner takes this file for a leak. */
const token = (...parts: string[]) => parts.join('');
const run = (text: string, count: number) => text.repeat(count);

const FORMS = [
  { id: 'anthropic-key', value: token('sk-', 'ant-api03-', run('aB3_', 12)) },
  { id: 'openai-key', value: token('sk-', run('aB3d', 12)) },
  { id: 'openai-key', value: token('sk-', 'proj-', run('x9-', 14)) },
  { id: 'github-token', value: token('gh', 'p_', run('aB3', 12)) },
  { id: 'github-token', value: token('github_', 'pat_', run('aB3', 12)) },
  { id: 'aws-key-id', value: token('AKI', 'A', run('Z', 16)) },
  { id: 'slack-token', value: token('xo', 'xb-', '123456789012-abc') },
  { id: 'google-key', value: token('AI', 'za', run('x', 35)) },
];

describe('common token forms', () => {
  const secrets = secretText({});
  it.each(FORMS)('$id is replaced wherever it stands', ({ id, value }) => {
    for (const [before, after] of [
      ['', ''],
      ['key=', ' x'],
      ['"', '"'],
      ['(', ')'],
      ['a\\n', '\\n'],
      ['\\u001b', ''],
    ] as const) {
      expect(secrets.redact(`${before}${value}${after}`)).toBe(`${before}«secret:${id}»${after}`);
    }
    expect(secrets.find(`x ${value}`)).toBe(id);
  });

  it.each([
    'a task-management-system-for-everyone',
    'class="sk-loading-indicator-container-wide"',
    'risk-ant-0123456789012345678901234567890',
    'AKIAXYZ',
    'xoxb-',
    'ghp_short',
  ])('%j is no secret', (text) => {
    expect(secrets.redact(text)).toBe(text);
    expect(secrets.find(text)).toBeNull();
  });

  it('twice in a line and twice in a row gives the same answer', () => {
    const value = FORMS[0]?.value ?? '';
    expect(secrets.redact(`${value} ${value}`)).toBe('«secret:anthropic-key» «secret:anthropic-key»');
    expect(secrets.find(value)).toBe('anthropic-key');
    expect(secrets.find(value)).toBe('anthropic-key');
  });
});

describe('known values', () => {
  it('the longest goes first, and $ and \\ in names and values mean nothing', () => {
    const secrets = secretText({ A: 'passphrase', B: 'passphrase-longer', 'C$&': 'do$$l&ar\\1x' });
    expect(secrets.redact('passphrase-longer passphrase do$$l&ar\\1x')).toBe('«secret:B» «secret:A» «secret:C$&»');
  });

  it('a value under 8 characters is not replaced', () => {
    expect(secretText({ A: 'abc' }).redact('abc abc')).toBe('abc abc');
  });

  it('a raw JSON line stays valid JSON and holds no value, in whichever escaped form', () => {
    const value = fc
      .string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
      .filter((v) => v.length >= 8 && v.trim() === v);
    fc.assert(
      fc.property(value, fc.string(), (secret, other) => {
        const text = secretText({ KEY: secret });
        const line = JSON.stringify({ a: `x ${secret} y`, nested: JSON.stringify({ deep: secret }), other });
        const clean = text.redact(line);
        const parsed = JSON.parse(clean) as { a: string; nested: string };
        expect(parsed.a).toBe('x «secret:KEY» y');
        expect(parsed.nested).toBe('{"deep":"«secret:KEY»"}');
        expect(text.find(line)).toBe('KEY');
      }),
      // A secret made of JSON's own punctuation can also match between the strings.
      { examples: [['pa"ss\\word', 'x']], numRuns: 300 },
    );
  });
});
