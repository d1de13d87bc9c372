/** OpenCode: supervised through ACP (`opencode acp`); `opencode run --format json` and the event stream of `serve` are decoded only. */
import { acpDriver } from '../acp/index.ts';
import type { Driver } from '../driver.ts';
import { streamDecoder } from './stream.ts';

/**
 * OpenCode allows everything unless told otherwise. These ask first, so that the call passes our gate; they are laid over the user's own
 * configuration. (Reading and searching are left to that.)
 */
const ASK = JSON.stringify({ bash: 'ask', edit: 'ask', webfetch: 'ask', websearch: 'ask' });
const ENV = { OPENCODE_PERMISSION: ASK, OPENCODE_DISABLE_AUTOUPDATE: '1' };

export const opencode: Driver = acpDriver({
  id: 'opencode',
  program: 'opencode',
  minVersion: '1.18.33',
  resume: 'own',
  // A second prompt in mid-turn is taken in at the next step; both are answered at the turn's end.
  steer: true,
  setModel: true,
  launch: ({ command, args }) => ({ argv: [...command, 'acp', ...args], env: ENV }),
  takeOver: ({ command, args, conversationId }) => ({
    argv: [...command, ...(conversationId === null ? [] : ['--session', conversationId]), ...args],
    env: { OPENCODE_DISABLE_AUTOUPDATE: '1' },
  }),
  exit: {
    name: 'OpenCode',
    login: 'Run opencode auth login, or set the key of the provider for this account.',
    codes: {},
  },
});

/** `opencode run --format json`, and the data of `opencode serve`'s event stream. */
export const opencodeStream = { decoder: streamDecoder };
