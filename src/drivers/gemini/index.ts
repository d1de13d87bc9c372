/** Gemini CLI: supervised through ACP (`gemini --acp`); `gemini --output-format stream-json` is decoded only. */
import { acpDriver } from '../acp/index.ts';
import type { Driver } from '../driver.ts';
import { streamDecoder } from './stream.ts';

/** One process instead of a launcher with a child that signals do not reach; and no question whether the folder is trusted. */
const ENV = { GEMINI_CLI_NO_RELAUNCH: 'true', GEMINI_CLI_TRUST_WORKSPACE: 'true' };

/**
 * 0.61.0 keeps its conversations badly: `session/load` in the minute of `session/new` overwrites the record, and the start after a
 * load that ended by a kill deletes it. So a load is tried, and where it fails the agent begins afresh with a handoff.
 */
export const gemini: Driver = acpDriver({
  id: 'gemini',
  program: 'gemini',
  minVersion: '0.61.0',
  resume: 'own',
  // A second prompt in mid-turn cancels the first and its command.
  steer: false,
  setModel: false,
  // Whatever the user's settings say: in `default` mode it asks for each shell command and each write.
  launch: ({ command, args, model }) => ({
    argv: [...command, '--acp', '--approval-mode', 'default', ...(model === null ? [] : ['--model', model]), ...args],
    env: ENV,
  }),
  takeOver: ({ command, args, model, conversationId }) => ({
    argv: [
      ...command,
      ...(conversationId === null ? [] : ['--resume', conversationId]),
      ...(model === null ? [] : ['--model', model]),
      ...args,
    ],
    env: ENV,
  }),
  exit: {
    name: 'Gemini',
    login: 'Run gemini once and log in, or set GEMINI_API_KEY for this account.',
    codes: {
      41: {
        cause: 'auth',
        code: 'auth',
        message: 'Gemini is not logged in.',
        hint: 'Run gemini once and log in, or set GEMINI_API_KEY for this account.',
        retryable: false,
      },
      42: {
        cause: 'bad_input',
        code: 'protocol',
        message: 'Gemini refused what it was started with.',
        retryable: false,
      },
      52: {
        cause: 'bad_config',
        code: 'protocol',
        message: 'Gemini does not accept its settings.',
        hint: 'Look at ~/.gemini/settings.json.',
        retryable: false,
      },
      55: {
        cause: 'untrusted',
        code: 'protocol',
        message: 'Gemini does not trust this folder.',
        hint: 'Trust it once in gemini itself.',
        retryable: false,
      },
    },
  },
});

/** `gemini -p … --output-format stream-json`. */
export const geminiStream = { decoder: streamDecoder };
