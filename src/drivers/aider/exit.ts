/** Why aider ended. Its exit code says nothing of its turn: 0 whatever happened, so success is read from its text. */
import type { Driver, ExitVerdict } from '../driver.ts';

export function classifyExit(exit: Parameters<Driver['classifyExit']>[0]): ExitVerdict {
  const verdict = (
    cause: string,
    code: ExitVerdict['code'],
    message: string,
    hint: string | null,
    retryable: boolean,
  ): ExitVerdict => ({
    ...{ cause, code, message, hint, retryable },
    conversationLost: false,
  });
  if (exit.asked) return verdict('asked', null, 'Aider ended as told.', null, true);
  if (exit.signal !== null) return verdict('signal', 'crash', `Aider was ended by ${exit.signal}.`, null, true);
  if (exit.code === 0) return verdict('clean', null, 'Aider ended: one process a message.', null, true);
  if (exit.code === 2)
    return verdict(
      'bad_flag',
      'protocol',
      'Aider does not take one of its flags.',
      'Look at clis.aider.args, and at the version: tutti doctor.',
      false,
    );
  if (exit.silent && (exit.code === 126 || exit.code === 127)) {
    return verdict('missing', 'unknown', 'Aider could not be run.', 'Install it, or set clis.aider.command.', false);
  }
  if (exit.code === 1)
    return verdict(
      'auth',
      'auth',
      'Aider could not start: no model and key, or wrong settings.',
      'Set a model, and its key for this account.',
      false,
    );
  return verdict('crash', 'crash', `Aider ended with exit code ${exit.code ?? 'unknown'}.`, null, true);
}
