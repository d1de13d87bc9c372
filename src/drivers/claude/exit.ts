/** Why claude ended, and whether starting it again can help. */
import type { Driver, ExitVerdict } from '../driver.ts';

type Exit = Parameters<Driver['classifyExit']>[0];
type Known = Omit<ExitVerdict, 'conversationLost'> & { conversationLost?: true };

/** Exit code 127/126 of a shell or of `env`, and our own spawn: the program is not there, or cannot be run. */
const MISSING_CODES: readonly number[] = [126, 127];

const STDERR: readonly (readonly [RegExp, Known])[] = [
  [
    /No conversation found with session ID/,
    {
      cause: 'no_conversation',
      code: 'unknown',
      message:
        'Claude does not know this conversation (it keeps conversations by folder, and none before the first message).',
      hint: 'Start afresh: tutti restart --fresh.',
      retryable: true,
      conversationLost: true,
    },
  ],
  [
    /Session ID .* is already in use/,
    {
      cause: 'session_in_use',
      code: 'unknown',
      message: 'Claude knows this conversation already: it can be resumed, not begun again.',
      hint: null,
      retryable: true,
    },
  ],
  [
    /Not logged in|Please run \/login|Invalid API key|OAuth token/i,
    {
      cause: 'auth',
      code: 'auth',
      message: 'Claude is not logged in.',
      hint: 'Run claude and /login, or set ANTHROPIC_API_KEY for this account.',
      retryable: false,
    },
  ],
  [
    /Credit balance is too low/i,
    {
      cause: 'billing',
      code: 'billing',
      message: 'The credit balance of this account is too low.',
      hint: 'Add credit, or use another account.',
      retryable: false,
    },
  ],
  [
    /cannot be used with root\/sudo/,
    {
      cause: 'root',
      code: 'protocol',
      message: 'Claude refuses to skip permissions as root.',
      hint: 'Use --permissions auto, run as another user, or set IS_SANDBOX=1 where this is a sandbox.',
      retryable: false,
    },
  ],
  [
    /unknown option|requires --verbose|too many arguments|argument missing|is invalid/i,
    {
      cause: 'bad_flag',
      code: 'protocol',
      message: 'Claude does not take one of its flags.',
      hint: 'Look at clis.claude.args, and at the version: tutti doctor.',
      retryable: false,
    },
  ],
  [
    /Error parsing streaming input line|Input must be provided/,
    {
      cause: 'protocol',
      code: 'protocol',
      message: 'Claude did not understand what tutti wrote to it.',
      hint: null,
      retryable: true,
    },
  ],
  [
    /command not found|No such file or directory|ENOENT/,
    {
      cause: 'missing',
      code: 'unknown',
      message: 'Claude is not installed, or not where the configuration says.',
      hint: 'Install it, or set clis.claude.command.',
      retryable: false,
    },
  ],
];

export function classifyExit(exit: Exit): ExitVerdict {
  const lost = { conversationLost: false };
  if (exit.asked)
    return { ...lost, cause: 'asked', code: null, message: 'Claude ended as told.', hint: null, retryable: true };
  // A signal says why it ended; what its stderr said before does not.
  if (exit.signal !== null) {
    return {
      ...lost,
      cause: 'signal',
      code: 'crash',
      message: `Claude was ended by ${exit.signal}.`,
      hint: null,
      retryable: true,
    };
  }
  const known = STDERR.find(([pattern]) => pattern.test(exit.stderr))?.[1];
  if (known !== undefined && exit.code !== 0) return { ...lost, ...known };
  if (exit.code !== null && MISSING_CODES.includes(exit.code) && exit.silent) {
    return {
      ...lost,
      cause: 'missing',
      code: 'unknown',
      message: 'Claude could not be run.',
      hint: 'Install it, or set clis.claude.command.',
      retryable: false,
    };
  }
  if (exit.code === 0)
    return { ...lost, cause: 'clean', code: null, message: 'Claude ended by itself.', hint: null, retryable: true };
  return { ...lost, ...byCode(exit) };
}

/** 129 and 143 are its own way to die of HUP and TERM. With 1 it ends after a turn that failed, whose error is on record. */
function byCode(exit: Exit): Omit<ExitVerdict, 'conversationLost'> {
  const code = exit.code ?? 0;
  if (code === 129 || code === 143) {
    const signal = code === 129 ? 'SIGHUP' : 'SIGTERM';
    return { cause: 'signal', code: 'crash', message: `Claude was ended by ${signal}.`, hint: null, retryable: true };
  }
  const last = exit.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  const message = `Claude ended with exit code ${code}${last === '' ? '' : `: ${last}`}.`;
  return { cause: 'crash', code: 'crash', message, hint: null, retryable: true };
}
