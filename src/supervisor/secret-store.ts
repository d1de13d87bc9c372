/** The secrets of all agents, for one question: does this text contain one? Kept in memory only; on disk they are in env/. */
import type { SecretText } from './ports.ts';

export interface SecretStore {
  put(agentId: string, secrets: Record<string, string>): void;
  drop(agentId: string): void;
  /** Name of a secret that the text contains. */
  find(text: string): string | null;
  /** The text without secrets: those that are known, and the common forms of tokens. */
  redact(text: string): string;
}

export function createSecretStore(make: (secrets: Record<string, string>) => SecretText): SecretStore {
  const byAgent = new Map<string, Record<string, string>>();
  let finder: SecretText | null = null;
  // Two agents may have the same name for different values: the agent's id keeps both.
  const finderOf = (): SecretText => {
    const all = [...byAgent].flatMap(([id, secrets]) =>
      Object.entries(secrets).map(([name, value]) => [`${id}/${name}`, value]),
    );
    finder ??= make(Object.fromEntries(all));
    return finder;
  };
  return {
    put(agentId, secrets) {
      byAgent.set(agentId, secrets);
      finder = null;
    },
    drop(agentId) {
      if (byAgent.delete(agentId)) finder = null;
    },
    find(text) {
      if (text === '') return null;
      const name = finderOf().find(text);
      return name === null ? null : name.slice(name.indexOf('/') + 1);
    },
    redact: (text) =>
      finderOf()
        .redact(text)
        .replaceAll(/«secret:[^/»]+\//g, '«secret:'),
  };
}
