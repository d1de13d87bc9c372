/** JSON lines of the host's socket: bytes in, whole frames out. A line over the limit or a bad one is an error, never a guess. */
import { FRAME_LIMIT, type FromHost } from '../core/host-wire.ts';

const TYPES = { hello: true, bell: true, ack: true, refused: true, beat: true, pong: true } as const satisfies Record<
  FromHost['type'],
  true
>;

export interface FrameReader {
  /** Complete frames of these bytes. Throws on a line that is no frame: the connection is then of no use. */
  push(bytes: Buffer): FromHost[];
}

export function createFrameReader(limit = FRAME_LIMIT): FrameReader {
  let parts: Buffer[] = [];
  let size = 0;
  const line = (text: string): FromHost | null => {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') {
      throw new Error(`not a frame: ${text.slice(0, 80)}`);
    }
    // A frame that a newer host adds: nothing to us.
    return Object.hasOwn(TYPES, value.type) ? (value as FromHost) : null;
  };
  return {
    push(bytes) {
      const frames: FromHost[] = [];
      let from = 0;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        const text = Buffer.concat([...parts, bytes.subarray(from, at)]).toString('utf8');
        parts = [];
        size = 0;
        from = at + 1;
        const frame = text.trim() === '' ? null : line(text);
        if (frame) frames.push(frame);
      }
      if (from < bytes.length) {
        parts.push(Buffer.from(bytes.subarray(from)));
        size += bytes.length - from;
        if (size > limit) throw new Error(`a frame of more than ${limit} bytes`);
      }
      return frames;
    },
  };
}
