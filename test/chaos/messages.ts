/** The numbered messages of a chaos run: awkward on purpose, and each proves by a checksum that it arrived whole. */
import { createHash } from 'node:crypto';

/** A seeded generator (mulberry32): the same seed repeats a run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PIECES = [
  'word',
  'naïve',
  '日本語',
  '🚀',
  '👩‍👩‍👧',
  '"quoted"',
  "it's",
  '`tick`',
  '$HOME',
  '\\',
  '\n',
  '\n\n',
  '  ',
  '{}',
  '%s',
  '#',
  '-- ',
  '<b>',
  ';',
];

const sum = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

export interface Numbered {
  n: number;
  text: string;
}

/**
 * Message `n` of an agent: `«agent:n:length:checksum»` and a body of 1 byte to 2 KB (64 KB for every 50th), with trailing `;` now and then.
 * Half of them ask the scripted model for a command first, so that kills fall into running tools.
 */
export function numberedMessage(agent: string, n: number, random: () => number): Numbered {
  const size = n % 50 === 25 ? 64 * 1024 : Math.floor(1 + random() ** 3 * 2_000);
  let body = '';
  while (Buffer.byteLength(body) < size)
    body += PIECES[Math.floor(random() * PIECES.length)] + (random() < 0.6 ? ' ' : '');
  body = `x${body.trim()}${random() < 0.2 ? ';' : ''}`;
  const marker = random() < 0.5 ? ` [[scenario:echo sleep=${(0.2 + random() * 0.6).toFixed(2)}]]` : '';
  return { n, text: `«${agent}:${n}:${body.length}:${sum(body)}»${marker}\n${body}` };
}

const TAG = /«([a-z0-9_-]+):(\d+):(\d+):([0-9a-f]{12})»/g;

export interface Verdict {
  agent: string;
  found: number[];
  problems: string[];
}

/**
 * What the model last saw of an agent: every message once, in order, whole, and each followed by an answer before the next one.
 * `messages` are the plain (role, text) pairs of the last request, with the last answer, which no request shows, taken as given.
 */
export function judgeConversation(agent: string, count: number, messages: { role: string; text: string }[]): Verdict {
  const problems: string[] = [];
  const found: number[] = [];
  let answered = true;
  for (const message of messages) {
    if (message.role === 'assistant' && message.text.trim() !== '') answered = true;
    // A message that steers a running turn reaches the model as a system message in some CLIs.
    if (message.role !== 'user' && message.role !== 'system') continue;
    for (const match of message.text.matchAll(TAG)) {
      const [, owner = '', number = '', length = '', checksum = ''] = match;
      if (owner !== agent) problems.push(`a message of ${owner} reached ${agent}`);
      if (!answered) problems.push(`message ${found.at(-1)} had no answer before ${number}`);
      found.push(Number(number));
      answered = false;
      if (sum(bodyOf(message.text, match.index, Number(length))) !== checksum)
        problems.push(`message ${number} is not whole`);
    }
  }
  for (let n = 1; n <= count; n++) {
    const times = found.filter((f) => f === n).length;
    if (times !== 1) problems.push(`message ${n} stands ${times} times`);
  }
  if (found.some((n, i) => i > 0 && n < (found[i - 1] ?? 0))) problems.push(`out of order: ${found.join(' ')}`);
  return { agent, found, problems };
}

/** What stands in the line behind the tag; CLIs may add text of their own after it. */
function bodyOf(text: string, at: number, length: number): string {
  const start = text.indexOf('\n', at) + 1;
  return text.slice(start, start + length);
}
