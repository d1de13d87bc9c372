/** How a built-in agent is started: by tutti's own program. */
import type { Launch, LaunchSpec } from '../driver.ts';
import { number, text } from './fields.ts';

/** Used where the settings name none. */
const DEFAULT_AGENT = 'v1';

/** Behind its driver: JSON lines both ways, and our verdict before every call, whatever the permissions. */
export function launch(spec: LaunchSpec): Launch {
  return { argv: [...base(spec), '--stdio', '--gate', ...spec.args], env: {} };
}

/** A person's own talk with it, on the same record. */
export function takeOver(spec: LaunchSpec): Launch {
  return { argv: [...base(spec), '--chat', ...spec.args], env: {} };
}

function base(spec: LaunchSpec): string[] {
  const program = spec.command.length > 0 ? spec.command : ['tutti'];
  const agent = text(spec.settings.agent) ?? DEFAULT_AGENT;
  return [...program, 'agent', agent, '--record', spec.dir, ...conversation(spec), ...options(spec)];
}

function conversation(spec: LaunchSpec): string[] {
  if (spec.conversationId === null) return [];
  return [spec.resume ? '--resume' : '--conversation', spec.conversationId];
}

function options(spec: LaunchSpec): string[] {
  const seconds = number(spec.settings.bashLimitS);
  const rounds = number(spec.settings.maxTurns);
  return [
    ...(spec.model === null ? [] : ['--model', spec.model]),
    ...(spec.systemPrompt === null ? [] : ['--append-system-prompt', spec.systemPrompt]),
    ...(seconds === null ? [] : ['--bash-limit', String(seconds)]),
    ...(rounds === null ? [] : ['--max-rounds', String(rounds)]),
  ];
}
