/**
 * The built-in agents: a core loop on the Messages API with few tools (v0: bash; v1: bash, read, write, edit), and the embedded
 * scripted model (scripted-model/). session.ts is the loop, record.ts the conversation on disk, model/ the requests, tools/ what the
 * model can do, gate.ts the question before each call; stdio.ts and once.ts are the two ways to run an agent.
 */
import type { AgentOutput } from '../drivers/builtin/wire.ts';
import { AskingGate, type Gate, openGate } from './gate.ts';
import { BASH_LIMIT_MAX_MS, ROUNDS_LIMIT, V0_BASH_LIMIT_MS, V1_BASH_LIMIT_MS } from './limits.ts';
import { anthropicModel } from './model/index.ts';
import { systemPrompt } from './prompts.ts';
import { ConversationRecord } from './record.ts';
import { Session } from './session.ts';
import { type AgentVersion, toolsOf } from './tools/index.ts';

export { NoConversation } from './record.ts';
export { AGENT_VERSIONS, type AgentVersion } from './tools/index.ts';

export interface AgentOptions {
  version: AgentVersion;
  /** Full name or `sonnet`, `opus`, `haiku`; null = the default. */
  model: string | null;
  /** Absolute. */
  cwd: string;
  /** Default: what the SDK takes from ANTHROPIC_BASE_URL. */
  baseURL?: string;
  /** Folder of the record; null = the conversation is not kept. */
  record: string | null;
  /** Conversation to go on with; it must be in `record`. */
  resume: string | null;
  /** Id of a new conversation; null = a random one. */
  conversationId: string | null;
  /** Ask for a verdict before every tool call. */
  gate: boolean;
  /** Added to the system prompt. */
  systemPrompt: string | null;
  /** Version of tutti, for the session line. */
  cliVersion: string | null;
  /** Time limit of a command, milliseconds; null = the version's own. */
  bashLimitMs: number | null;
  /** Requests in one turn; null = the default. */
  maxRounds: number | null;
}

/** Where an agent's lines go. */
export type Emit = (line: AgentOutput) => void;

export interface Agent {
  session: Session;
  /** The asking gate; null where everything may run. */
  gate: AskingGate | null;
  conversationId: string;
  resumed: boolean;
  close(): void;
}

const BASH_LIMIT: Readonly<Record<AgentVersion, number>> = { v0: V0_BASH_LIMIT_MS, v1: V1_BASH_LIMIT_MS };

/**
 * Puts an agent together and emits its `session` line.
 * @throws NoConversation when the one to resume is not there; a system error when the record's folder cannot be used
 */
export function createAgent(options: AgentOptions, emit: Emit): Agent {
  const record = ConversationRecord.open({ ...options, dir: options.record, agent: options.version });
  const where = options.baseURL === undefined ? {} : { baseURL: options.baseURL };
  const model = anthropicModel({ model: options.model, supervised: options.gate, ...where });
  const tools = toolsOf[options.version];
  const asking = options.gate ? new AskingGate(emit) : null;
  const gate: Gate = asking ?? openGate;
  const session = new Session({
    record,
    model,
    tools,
    gate,
    system: systemPrompt(options.version, options.cwd, options.systemPrompt),
    cwd: options.cwd,
    bashLimitMs: Math.min(options.bashLimitMs ?? BASH_LIMIT[options.version], BASH_LIMIT_MAX_MS),
    maxRounds: options.maxRounds ?? ROUNDS_LIMIT,
    emit,
  });
  emit({
    type: 'session',
    conversationId: record.id,
    agent: options.version,
    model: model.name,
    cliVersion: options.cliVersion,
    tools: tools.map(({ name }) => name),
    resumed: record.resumed,
  });
  if (record.damaged > 0)
    emit({
      type: 'error',
      code: 'protocol',
      message: `${record.damaged} lines of the record were damaged and are left out of the conversation`,
      retryable: false,
    });
  return { session, gate: asking, conversationId: record.id, resumed: record.resumed, close: () => record.close() };
}
