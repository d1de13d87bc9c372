/** Ids that follow from what they are for: the same decision taken again after a crash has the same id. */

/** 128 bits of hash of a text (MurmurHash3's mixing on four lanes); not for secrets. */
function hash128(text: string): [number, number, number, number] {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    a = b ^ Math.imul(a ^ k, 597399067);
    b = c ^ Math.imul(b ^ k, 2869860233);
    c = d ^ Math.imul(c ^ k, 951274213);
    d = a ^ Math.imul(d ^ k, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  return [(a ^ b ^ c ^ d) >>> 0, (b ^ a) >>> 0, (c ^ a) >>> 0, (d ^ a) >>> 0];
}

const hex = (n: number): string => n.toString(16).padStart(8, '0');

/** A valid UUID (version 5 shape) made of what it names. */
export function uuidFrom(...parts: (string | number)[]): string {
  const digits = hash128(parts.join('\u0000')).map(hex).join('');
  const variant = ((Number.parseInt(digits[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `5${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}

/** Short digest of a JSON value, to see whether it changed. */
export const digest = (value: unknown): string => hash128(JSON.stringify(value)).map(hex).join('').slice(0, 16);
