import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/event.ts';
import type { NewEvent } from '../../../src/core/step.ts';
import { core } from '../../../src/supervisor/core.ts';
import { cutArgs, cutText, FIELD_LIMIT, seal } from '../../../src/supervisor/seal.ts';

const NOW = '2026-01-02T03:04:05.678Z';
const context = { state: { ...core.emptyState('log-1'), seq: 41 }, now: NOW, recordedAt: () => null };
const raw = (line: string, src?: NewEvent['src']): NewEvent => ({
  agentId: 'a1',
  body: { type: 'raw', line },
  durable: false,
  ...(src ? { src } : {}),
});

describe('seal', () => {
  it('numbers events from the last seq on, without a gap', () => {
    expect(seal([raw('a'), raw('b'), raw('c')], context).map((event) => event.seq)).toEqual([42, 43, 44]);
  });

  it('dates an event of a journal record as the host wrote it, and all others with the time of the step', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const recordedAt = (n: number) => (n === 7 ? at : null);
    const sealed = seal([raw('a', { epoch: 1, n: 7 }), raw('b')], { ...context, recordedAt });
    expect(sealed.map((event) => event.at)).toEqual([at, NOW]);
  });

  it('names the agent that the same batch has just spawned (whose own event carries the object)', () => {
    const spawned: NewEvent = {
      agentId: 'a1',
      body: { type: 'agent_spawned', agent: { name: 'alice' } },
      durable: true,
    };
    expect(seal([spawned, raw('x')], context).map((event) => event.agent)).toEqual([{ name: 'alice' }, 'alice']);
  });

  it.each([
    [
      'message',
      { type: 'message', role: 'assistant', content: 'x'.repeat(9_000), from: null, messageId: null },
      'content',
    ],
    ['thinking', { type: 'thinking', content: 'x'.repeat(9_000), tokens: null }, 'content'],
    ['raw', { type: 'raw', line: 'x'.repeat(9_000) }, 'line'],
    [
      'tool_result',
      {
        type: 'tool_result',
        callId: 'c',
        tool: 'bash',
        result: 'x'.repeat(9_000),
        isError: false,
        tokens: null,
        durationMs: null,
      },
      'result',
    ],
  ] as const)('cuts a large %s of the journal to 4 KiB and says where the whole stands', (_id, body, field) => {
    const [event] = seal([{ agentId: 'a1', body, durable: false, src: { epoch: 2, n: 5 } }], context);
    expect(event).toMatchObject({ bytes: 9_000, ref: { epoch: 2, n: 5 } });
    expect((event as unknown as Record<string, string>)[field]).toBe('x'.repeat(FIELD_LIMIT));
  });

  it('leaves a large message of a user whole, for no journal has it yet', () => {
    const content = 'x'.repeat(100_000);
    const body = { type: 'delivery', messageId: 'm', state: 'queued', content } as const;
    const [event] = seal([{ agentId: 'a1', body, durable: true }], context);
    expect(event).toMatchObject({ content });
    expect(event).not.toHaveProperty('bytes');
  });

  it('keeps the size that the reader of a line in pieces has found', () => {
    const body = { type: 'raw', line: 'head', bytes: 20_000_000, ref: { epoch: 1, n: 9 } } as const;
    const [event] = seal([{ agentId: 'a1', body, durable: false, src: { epoch: 1, n: 9 } }], context);
    expect(event).toMatchObject({ line: 'head', bytes: 20_000_000, ref: { epoch: 1, n: 9 } });
  });
});

describe('cutText', () => {
  it.each([
    ['ASCII', 'a'.repeat(10), 'a'.repeat(4)],
    ['two-byte letters', 'é'.repeat(5), 'éé'],
    ['an emoji at the edge', `abc${'😀'}def`, 'abc'],
    ['a three-byte sign at the edge', 'ab€€', 'ab'],
  ])('never splits a character: %s', (_id, text, head) => {
    expect(cutText(text, 4)).toEqual({ text: head, bytes: Buffer.byteLength(text) });
  });

  it('returns null for a text that fits to the byte', () => {
    expect(cutText('éé', 4)).toBeNull();
  });
});

describe('cutArgs', () => {
  it('leaves small arguments alone', () => {
    expect(cutArgs({ command: 'ls' })).toBeNull();
  });

  it('keeps the keys and cuts the long strings', () => {
    const args: JsonObject = { path: '/a', content: 'x'.repeat(50_000) };
    const cut = cutArgs(args);
    expect(cut?.bytes).toBe(Buffer.byteLength(JSON.stringify(args)));
    expect(cut?.args.path).toBe('/a');
    expect(Buffer.byteLength(JSON.stringify(cut?.args))).toBeLessThan(FIELD_LIMIT + 64);
  });

  it('bounds deep and wide arguments too', () => {
    const edits = Array.from({ length: 5_000 }, (_, i) => ({ old: `line ${i}`, new: `other ${i}` }));
    const cut = cutArgs({ edits });
    expect(Buffer.byteLength(JSON.stringify(cut?.args))).toBeLessThan(2 * FIELD_LIMIT);
  });
});
