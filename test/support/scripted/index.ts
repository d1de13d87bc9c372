/**
 * The scripted model for the real CLIs: the embedded one, speaking the APIs of all of them on one port.
 * Each agent gets a base URL of its own (`urlFor(name)`), so that what it said is known by its name.
 */
import { anthropic } from '../../../src/agents/scripted-model/anthropic/index.ts';
import { type Marker, type ScriptedModel, startScriptedModel } from '../../../src/agents/scripted-model/index.ts';
import { saidIn } from '../../../src/agents/scripted-model/point.ts';
import { chat } from './chat.ts';
import { gemini } from './gemini.ts';
import { responses } from './responses.ts';

/** No answer claims more input tokens than this: the CLIs would compact their conversations. */
const USAGE_CAP = 20_000;

export interface ScriptedServerOptions {
  port?: number;
  /** Seconds of `sleep` in a command before each answer; 0 = answers come without a tool call. */
  sleepS?: number;
  fallback?: Marker;
}

/** Echoes by default: `ack <first 40 characters>` to each message, after a command of `sleepS` seconds where that is set. */
export function startScriptedServer(options: ScriptedServerOptions = {}): Promise<ScriptedModel> {
  const sleepS = options.sleepS ?? 0;
  const echo: Marker = { scenario: 'echo', params: sleepS > 0 ? { sleep: String(sleepS) } : {} };
  return startScriptedModel({
    port: options.port ?? 0,
    dialects: [anthropic, responses, chat, gemini],
    fallback: options.fallback ?? echo,
    usageCap: USAGE_CAP,
    plainSide: true,
  });
}

/** What its users said to an agent, in order, as its last request had it: without what the CLI itself put in. */
export function userTexts(model: ScriptedModel, name: string): string[] {
  return model
    .messages(name)
    .map(saidIn)
    .filter((text) => text !== null);
}
