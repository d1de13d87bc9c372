/** The recorded lines of the real claude, in the sizes they have, repeated as often as needed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { places } from './places.ts';

/** What another output format has printed is no line of the stream. */
const STREAM_LINE = /^\{"type":/;

/** All recorded lines, in the order of the files. */
export function recordedLines(): string[] {
  const files = readdirSync(places.recordings).filter((name) => name.endsWith('.jsonl'));
  return files.sort().flatMap((name) =>
    readFileSync(join(places.recordings, name), 'utf8')
      .split('\n')
      .filter((line) => STREAM_LINE.test(line)),
  );
}

/** `count` lines: the recording over and over. */
export function corpus(count: number): string[] {
  const lines = recordedLines();
  return Array.from({ length: count }, (_, i) => lines[i % lines.length] as string);
}

/**
 * The same sizes as lines that ask for nothing: a tool result without a verdict of ours would end the turn, and a fake CLI
 * cannot run tools. Text and streamed lines stay; others become thinking blocks of the same length.
 */
export function harmlessLines(): string[] {
  return recordedLines().map((line) => {
    const { type, message } = JSON.parse(line) as { type?: string; message?: { content?: unknown } };
    const text = JSON.stringify(message?.content ?? '');
    if (type === 'stream_event' || (type === 'assistant' && text.includes('"type":"text"'))) return line;
    const block = (thinking: string): string =>
      JSON.stringify({
        type: 'assistant',
        message: { id: 'm', role: 'assistant', model: 'fake', content: [{ type: 'thinking', thinking }] },
        parent_tool_use_id: null,
      });
    return block('x'.repeat(Math.max(1, line.length - block('').length)));
  });
}
