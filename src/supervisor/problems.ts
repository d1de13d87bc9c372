/** What a person should know about the supervisor itself: kept while it lasts, shown by health, `ps` and `doctor`, and logged once. */
import type { Logger } from './ports.ts';

export interface Problems {
  /** null ends the problem of that key. */
  set(key: string, text: string | null): void;
  list(): string[];
}

export function createProblems(log: Logger): Problems {
  const open = new Map<string, string>();
  return {
    set(key, text) {
      if (text === null) {
        if (open.delete(key)) log('info', `over: ${key}`);
        return;
      }
      if (open.get(key) !== text) log('error', text);
      open.set(key, text);
    },
    list: () => [...open.values()],
  };
}
