/** Why a built-in agent ended. */
import type { Driver, ExitVerdict } from '../driver.ts';

/** Its exit codes beside 0 and 1. */
export const AGENT_EXIT = { usage: 2, noConversation: 3 } as const;

type Exit = Parameters<Driver['classifyExit']>[0];

const RETRY = { code: null, hint: null, retryable: true, conversationLost: false } as const;

export function classifyExit(exit: Exit): ExitVerdict {
  if (exit.asked) return { ...RETRY, cause: 'asked', message: 'The agent ended as told.' };
  if (exit.signal !== null)
    return { ...RETRY, cause: 'signal', code: 'crash', message: `The agent was ended by ${exit.signal}.` };
  switch (exit.code) {
    case 0:
      return { ...RETRY, cause: 'clean', message: 'The agent ended by itself.' };
    case AGENT_EXIT.noConversation:
      return {
        cause: 'no_conversation',
        code: 'unknown',
        message: 'The record of this conversation is gone.',
        hint: 'Start afresh: tutti restart --fresh.',
        retryable: true,
        conversationLost: true,
      };
    case AGENT_EXIT.usage:
      return {
        cause: 'bad_flag',
        code: 'protocol',
        message: `The agent does not take one of its flags${lastLine(exit.stderr)}.`,
        hint: 'Look at clis.tutti.args.',
        retryable: false,
        conversationLost: false,
      };
    case 126:
    case 127:
      return {
        cause: 'missing',
        code: 'unknown',
        message: 'The program of the built-in agent was not found.',
        hint: 'Set clis.tutti.command, or install tutti again.',
        retryable: false,
        conversationLost: false,
      };
    default:
      return {
        ...RETRY,
        cause: 'crash',
        code: 'crash',
        message: `The agent ended with exit code ${exit.code ?? 'unknown'}${lastLine(exit.stderr)}.`,
      };
  }
}

/** Longest piece of stderr that is repeated in a message. Characters. */
const LAST_LINE = 300;

function lastLine(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1)?.slice(0, LAST_LINE) ?? '';
  return line === '' ? '' : `: ${line}`;
}
