/** Why an ACP agent ended, and whether starting it again can help. */
import type { Driver, ExitVerdict } from '../driver.ts';
import { failureOf } from './failure.ts';

export type Exit = Parameters<Driver['classifyExit']>[0];

/** What differs from CLI to CLI. */
export interface ExitWords {
  /** Its name for a person. */
  name: string;
  /** How to log in. */
  login: string;
  /** Exit codes with a meaning of their own. */
  codes: Readonly<Record<number, Partial<ExitVerdict> & { cause: string; message: string }>>;
}

/** A shell's, or our own spawn's, word for: not there, or not to be run. */
const MISSING_CODES: readonly number[] = [126, 127];
const LOST = /method: ["']session\/load["']|No previous sessions found|Invalid session identifier|Session not found/;
/** Some only print their usage instead of saying what they do not know. */
const BAD_FLAG = /Unknown (argument|option)|Unknown arguments|Invalid values|^(Options|Positionals):$/im;
const BAD_CONFIG = /Configuration is invalid|ConfigInvalidError|Invalid configuration|ConfigJsonError/i;
const LOGIN = /set an Auth method|GEMINI_API_KEY|API key|Authentication required|not logged in/i;

type Known = Partial<ExitVerdict> & { cause: string; message: string };

const verdict = (known: Known): ExitVerdict => ({
  code: null,
  hint: null,
  retryable: true,
  conversationLost: false,
  ...known,
});

/** The first that fits, from the most certain on. */
export function classifyAcpExit(exit: Exit, words: ExitWords): ExitVerdict {
  return verdict(
    lost(exit, words) ?? asked(exit, words) ?? byCode(exit, words) ?? byWords(exit, words) ?? bySignal(exit, words),
  );
}

function lost(exit: Exit, { name }: ExitWords): Known | null {
  if (!LOST.test(exit.stderr)) return null;
  const message = `${name} could not load the conversation again.`;
  return {
    cause: 'no_conversation',
    code: 'unknown',
    message,
    hint: 'It begins afresh with a handoff.',
    conversationLost: true,
  };
}

function asked(exit: Exit, { name }: ExitWords): Known | null {
  return exit.asked ? { cause: 'asked', message: `${name} was stopped.` } : null;
}

function byCode(exit: Exit, words: ExitWords): Known | null {
  if (exit.code === null) return null;
  if (exit.silent && MISSING_CODES.includes(exit.code)) {
    const hint = `Install ${words.name}, or name its program in the configuration under clis.`;
    return { cause: 'missing', message: `${words.name} could not be started.`, hint, retryable: false };
  }
  return words.codes[exit.code] ?? null;
}

function byWords(exit: Exit, { name, login }: ExitWords): Known | null {
  const failed = exit.code !== null && exit.code !== 0;
  if (!failed) return null;
  if (exit.silent && BAD_FLAG.test(exit.stderr)) {
    const hint = 'Look at clis.<name>.args and at the version.';
    return {
      cause: 'bad_flag',
      code: 'protocol',
      message: `${name} does not know an option that it was started with.`,
      hint,
      retryable: false,
    };
  }
  if (exit.silent && BAD_CONFIG.test(exit.stderr)) {
    return {
      cause: 'bad_config',
      code: 'protocol',
      message: `${name} does not accept its configuration.`,
      hint: firstLine(exit.stderr),
      retryable: false,
    };
  }
  if (LOGIN.test(exit.stderr))
    return { cause: 'auth', code: 'auth', message: `${name} is not logged in.`, hint: login, retryable: false };
  return null;
}

function bySignal(exit: Exit, { name }: ExitWords): Known {
  if (exit.signal !== null) return { cause: 'signal', code: 'crash', message: `${name} was ended by ${exit.signal}.` };
  if (exit.code === 0) return { cause: 'clean', message: `${name} ended by itself.` };
  const { code } = failureOf(exit.stderr);
  return {
    cause: 'crash',
    code: code === 'unknown' ? 'crash' : code,
    message: `${name} ended with code ${exit.code ?? 'unknown'}.`,
  };
}

const firstLine = (text: string): string | null =>
  text
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim() ?? null;
