/**
 * The triage model: one request to the Messages API, one forced tool call for an answer, no repeats. It has a key only if it is
 * given one: the environment and the settings of whoever runs the supervisor are never looked at.
 */
import Anthropic from '@anthropic-ai/sdk';
import { type TriageAnswer, TriageFailure, type TriagePort } from '../../supervisor/triage-port.ts';
import { modelName } from '../model/index.ts';
import { answerSchema } from './answer.ts';
import { SYSTEM, userText, VERDICT_TOOL } from './prompt.ts';

/** Most tokens of an answer: a verdict, a hint and a reason. */
const ANSWER_TOKENS = 600;
const DEFAULT_URL = 'https://api.anthropic.com';

export interface TriageOptions {
  apiKey: string;
  /** null = Anthropic's own. */
  baseURL: string | null;
  /** Full name or `sonnet`, `opus`, `haiku`. */
  model: string;
}

export function anthropicTriage({ apiKey, baseURL, model }: TriageOptions): TriagePort {
  const client = new Anthropic({ apiKey, baseURL: baseURL ?? DEFAULT_URL, maxRetries: 0, logLevel: 'off' });
  return {
    async ask(question, signal) {
      const message = await client.messages.create(
        {
          model: modelName(model),
          max_tokens: ANSWER_TOKENS,
          system: SYSTEM,
          messages: [{ role: 'user', content: userText(question) }],
          tools: [VERDICT_TOOL],
          tool_choice: { type: 'tool', name: VERDICT_TOOL.name, disable_parallel_tool_use: true },
        },
        { signal },
      );
      return answerOf(message);
    },
  };
}

/** @throws TriageFailure when it is not exactly one verdict of the right form */
function answerOf(message: Anthropic.Message): TriageAnswer {
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = message.usage;
  const input = input_tokens + (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0);
  const spent = { model: message.model, input, output: output_tokens };
  const calls = message.content.filter((block) => block.type === 'tool_use');
  const [call] = calls;
  if (calls.length !== 1 || call?.name !== VERDICT_TOOL.name) {
    throw new TriageFailure(
      `the model gave ${calls.length === 0 ? 'no verdict' : 'another answer than one verdict'}`,
      spent,
    );
  }
  const parsed = answerSchema.safeParse(call.input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') || 'verdict';
    throw new TriageFailure(`the model's verdict has another form: ${where}: ${issue?.message ?? 'unknown'}`, spent);
  }
  const { verdict, text, why } = parsed.data;
  return { action: verdict, text: text || null, why, spent };
}
