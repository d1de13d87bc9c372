import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader } from '../../../src/supervisor/frames.ts';

const frames = [
  { v: 1, type: 'bell', epoch: 1, n: 7 },
  { v: 1, type: 'ack', id: 'é😀' },
  { v: 1, type: 'pong' },
];
const bytes = Buffer.from(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));

describe('frames', () => {
  it('come out the same however the bytes are split', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
        const reader = createFrameReader();
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const got = places.slice(1).flatMap((end, i) => reader.push(bytes.subarray(places[i], end)));
        expect(got).toEqual(frames);
      }),
    );
  });

  it('of a kind that only a newer host knows are left out', () => {
    expect(createFrameReader().push(Buffer.from('{"v":1,"type":"dance"}\n{"v":1,"type":"pong"}\n'))).toHaveLength(1);
  });

  it.each(['nonsense\n', '[]\n', '{"v":1}\n', 'null\n'])('are refused when they are none: %j', (text) => {
    expect(() => createFrameReader().push(Buffer.from(text))).toThrow();
  });

  it('have a longest size, also without an end', () => {
    const reader = createFrameReader(100);
    reader.push(Buffer.from('x'.repeat(60)));
    expect(() => reader.push(Buffer.from('x'.repeat(60)))).toThrow('more than 100 bytes');
  });
});
