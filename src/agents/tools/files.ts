/** The `read`, `write` and `edit` tools. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JsonObject } from '../../core/event.ts';
import { errorCode } from '../../system/disk.ts';
import { FILE_LIMIT, OUTPUT_LIMIT } from '../limits.ts';
import { clip } from './clip.ts';
import { confined } from './confine.ts';
import { failed, schemaOf, succeeded, type Tool, type ToolContext, type ToolOutput, textArg } from './tool.ts';

const PATH = { type: 'string', description: 'File, relative to the working folder' } as const;

/** Runs `act` on the confined path; what the file system refuses becomes an error output. */
function onFile(args: JsonObject, { cwd }: ToolContext, act: (path: string, shown: string) => ToolOutput): ToolOutput {
  const shown = textArg(args, 'path');
  if (shown === null) return failed('path must be a string');
  try {
    const place = confined(cwd, shown);
    return place.ok ? act(place.path, shown) : failed(`refused: ${place.why}`);
  } catch (error) {
    if (errorCode(error) === null || !(error instanceof Error)) throw error;
    return failed(error.message);
  }
}

function contentOf(path: string): string | null {
  return statSync(path).size > FILE_LIMIT ? null : readFileSync(path, 'utf8');
}

const tooLarge = (shown: string): ToolOutput => failed(`${shown} is larger than ${FILE_LIMIT} bytes`);

const lineNumber = (value: JsonObject[string] | undefined, otherwise: number): number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : otherwise;

export const read: Tool = {
  name: 'read',
  description: `Read a text file. Beyond ${OUTPUT_LIMIT} characters the middle is left out; use offset and limit.`,
  schema: schemaOf(
    {
      path: PATH,
      offset: { type: 'integer', description: 'First line to read, from 1' },
      limit: { type: 'integer', description: 'Number of lines' },
    },
    ['offset', 'limit'],
  ),
  run: async (args, context) =>
    onFile(args, context, (path, shown) => {
      const content = contentOf(path);
      if (content === null) return tooLarge(shown);
      const first = lineNumber(args['offset'], 1);
      const count = lineNumber(args['limit'], Number.POSITIVE_INFINITY);
      const whole = first === 1 && count === Number.POSITIVE_INFINITY;
      const text = whole
        ? content
        : content
            .split('\n')
            .slice(first - 1, first - 1 + count)
            .join('\n');
      return succeeded(text === '' ? '(empty)' : clip(text, OUTPUT_LIMIT));
    }),
};

export const write: Tool = {
  name: 'write',
  description: 'Write a file, with the folders that it needs. Replaces what is there.',
  schema: schemaOf({ path: PATH, content: { type: 'string', description: 'The whole new content' } }),
  run: async (args, context) =>
    onFile(args, context, (path, shown) => {
      const content = textArg(args, 'content');
      if (content === null) return failed('content must be a string');
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return succeeded(`Wrote ${Buffer.byteLength(content)} bytes to ${shown}`);
    }),
};

export const edit: Tool = {
  name: 'edit',
  description: 'Replace the first exact occurrence of old_string in a file by new_string.',
  schema: schemaOf({
    path: PATH,
    old_string: { type: 'string', description: 'The exact text to replace' },
    new_string: { type: 'string', description: 'The text to put in its place' },
  }),
  run: async (args, context) =>
    onFile(args, context, (path, shown) => {
      const before = textArg(args, 'old_string');
      const after = textArg(args, 'new_string');
      if (before === null || before === '' || after === null)
        return failed('old_string must be a non-empty string, new_string a string');
      const content = contentOf(path);
      if (content === null) return tooLarge(shown);
      // Decoding replaced something: writing it back would damage the rest of the file.
      if (content.includes('\uFFFD')) return failed(`${shown} is not UTF-8 text`);
      const at = content.indexOf(before);
      if (at < 0) return failed(`old_string does not occur in ${shown}`);
      writeFileSync(path, content.slice(0, at) + after + content.slice(at + before.length));
      const more = content.split(before).length - 2;
      return succeeded(more === 0 ? `Edited ${shown}` : `Edited the first of ${more + 1} occurrences in ${shown}`);
    }),
};
