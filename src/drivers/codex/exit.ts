/** Why an app-server ended. The texts are those of 0.169. */
import type { Driver, ExitVerdict } from '../driver.ts';
import { conversationIsLost } from './errors.ts';

type Exit = Parameters<Driver['classifyExit']>[0];
type Known = Omit<ExitVerdict, 'message'> & { message: (line: string) => string };

const LOGIN = 'run `codex login` in a shell of your own, or give OPENAI_API_KEY, then `tutti resume`';

/** stderr of a start that will fail the same way again, in order. */
const BY_STDERR: readonly (readonly [RegExp, Known])[] = [
  [
    /^error: (?:unexpected argument|invalid value|unrecognized subcommand|a value is required|the argument).*$/m,
    hopeless(
      'bad_flag',
      'protocol',
      (line) => `codex does not take its arguments: ${line}`,
      'check clis.codex.args and clis.codex.command',
    ),
  ],
  [
    /^Error: (?:unknown variant|invalid type|failed to (?:load|parse) (?:the )?config|error loading config|CODEX_HOME points to).*$/im,
    hopeless(
      'bad_config',
      'protocol',
      (line) => `codex does not accept its configuration: ${line}`,
      'mend ~/.codex/config.toml or clis.codex.args',
    ),
  ],
  [
    /^.*(?:Missing optional dependency|command not found|ENOENT).*$/m,
    hopeless('missing', null, (line) => `codex is not installed completely: ${line}`, 'npm install -g @openai/codex'),
  ],
  [
    /^Not inside a trusted directory.*$/m,
    hopeless(
      'untrusted',
      'protocol',
      () => 'codex does not trust this folder',
      'start codex in it once and trust it, or make it a git repository',
    ),
  ],
  [
    /^.*No prompt provided.*$/m,
    { ...hopeless('protocol', 'protocol', () => 'codex was given no message', ''), hint: null, retryable: true },
  ],
  [
    /^.*(?:Not logged in|codex login|401 Unauthorized|Missing environment variable).*$/im,
    hopeless('auth', 'auth', (line) => `codex is not logged in: ${line}`, LOGIN),
  ],
];

function hopeless(cause: string, code: ExitVerdict['code'], message: Known['message'], hint: string): Known {
  return { cause, code, message, hint, retryable: false, conversationLost: false };
}

const verdict = (
  cause: string,
  code: ExitVerdict['code'],
  message: string,
  hint: string | null = null,
): ExitVerdict => ({
  cause,
  code,
  message,
  hint,
  retryable: true,
  conversationLost: false,
});

/**
 * Only what can be told from the exit: a conversation that cannot be resumed is told by the protocol, which begins a new one
 * (`ready` with `resumed: false`).
 */
export function classifyExit(exit: Exit): ExitVerdict {
  if (exit.asked) return verdict('asked', null, 'codex was stopped');
  if (exit.signal !== null) return verdict('signal', 'crash', `codex was ended by ${exit.signal}`);
  if (exit.code === 0) return verdict('clean', null, 'codex ended by itself');
  const stderr = exit.stderr.replace(ANSI, '');
  for (const [pattern, known] of BY_STDERR) {
    const line = pattern.exec(stderr)?.[0];
    if (line !== undefined) return { ...known, message: known.message(line.trim()) };
  }
  if (exit.code === 127) return { ...hopelessMissing };
  if (conversationIsLost(stderr)) {
    const lost = verdict('no_conversation', 'unknown', 'codex could not load the conversation again');
    return { ...lost, hint: 'it begins afresh with a handoff', conversationLost: true };
  }
  return verdict('crash', 'crash', `codex ended with exit code ${exit.code ?? 'unknown'}${lastLine(stderr)}`);
}

const hopelessMissing: ExitVerdict = {
  cause: 'missing',
  code: null,
  message: 'codex was not found',
  hint: 'npm install -g @openai/codex, or set clis.codex.command',
  retryable: false,
  conversationLost: false,
};

/** Colours of the log lines. */
const ANSI = /\u001b\[[0-9;]*m/g;

function lastLine(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${line}`;
}
