/** Bytes to lines: complete lines with their byte offsets. Pure; host-safe. */

const NEWLINE = 0x0a;

export interface ByteLine {
  /** Offset of the first byte. */
  start: number;
  /** Offset behind the newline. */
  end: number;
  /** Without its newline. */
  bytes: Buffer;
}

/**
 * The complete lines of a buffer whose first byte stands at `base`. What follows the last newline is not a line yet.
 */
export function completeLines(buffer: Buffer, base: number): ByteLine[] {
  const lines: ByteLine[] = [];
  let start = 0;
  for (;;) {
    const newline = buffer.indexOf(NEWLINE, start);
    if (newline < 0) return lines;
    lines.push({ start: base + start, end: base + newline + 1, bytes: buffer.subarray(start, newline) });
    start = newline + 1;
  }
}

/** What a line holds: an object, or null when it is not a JSON object. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
