/** What a tool of the built-in agents is. */
import type { JsonObject, ToolName } from '../../core/event.ts';

export interface ToolContext {
  /** Absolute; paths are confined to it. */
  cwd: string;
  /** Aborted when the turn is interrupted. */
  signal: AbortSignal;
  /** Time limit of a command. Milliseconds. */
  bashLimitMs: number;
}

export interface ToolOutput {
  text: string;
  isError: boolean;
}

export interface Tool {
  name: ToolName;
  description: string;
  /** JSON Schema of the arguments. */
  schema: JsonObject & { type: 'object' };
  /** Never rejects for what the model did wrong: that is an output with `isError`. */
  run(args: JsonObject, context: ToolContext): Promise<ToolOutput>;
}

export const failed = (text: string): ToolOutput => ({ text, isError: true });
export const succeeded = (text: string): ToolOutput => ({ text, isError: false });

/** Schema of an object of strings and integers, all but `optional` required. */
export function schemaOf(
  fields: Record<string, { type: 'string' | 'integer'; description: string }>,
  optional: string[] = [],
) {
  return {
    type: 'object' as const,
    properties: fields,
    required: Object.keys(fields).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

/** A required text; null when it is missing or of another type. */
export const textArg = (args: JsonObject, name: string): string | null => {
  const value = args[name];
  return typeof value === 'string' ? value : null;
};
