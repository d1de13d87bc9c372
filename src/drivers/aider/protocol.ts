/**
 * The host's side of aider: nothing can be written to it. Each message is a process of its own, started with the message;
 * its chat history tells whether a message is in the conversation.
 */
import type { Action, Decoded, LaunchSpec, Line, OutgoingMessage, Protocol } from '../driver.ts';
import { decoder } from './decoder.ts';
import { deliveredCount } from './history.ts';
import { historyPath } from './launch.ts';

/** Kinds of line that come before aider took its message in. */
const EARLY: readonly string[] = ['version', 'start', 'blank', 'stderr', 'stdin', 'outside the grammar'];

export function protocol(spec: LaunchSpec): Protocol {
  return new AiderProtocol(spec);
}

class AiderProtocol implements Protocol {
  readonly #spec: LaunchSpec;
  readonly #decoder = decoder();
  /** The message of this process until the history has it. */
  #pending: OutgoingMessage | null = null;
  #confirming: OutgoingMessage | null = null;
  #turn = false;

  constructor(spec: LaunchSpec) {
    this.#spec = spec;
  }

  get turn(): boolean {
    return this.#turn;
  }

  begin(): Action[] {
    return [
      { do: 'close-stdin' },
      { do: 'ready', conversationId: this.#spec.conversationId, resumed: this.#spec.resume },
    ];
  }

  line(line: Line): { actions: Action[]; decoded: Decoded; journal: boolean } {
    const decoded = this.#decoder.push(line);
    const actions: Action[] = [];
    if (decoded.kind === 'version') {
      this.#turn = true;
      actions.push({ do: 'turn', phase: 'start' });
    }
    if (this.#pending !== null && !EARLY.includes(decoded.kind)) actions.push(this.#look('message'));
    return { actions, decoded, journal: true };
  }

  #look(key: 'message' | 'confirm'): Action {
    return { do: 'read-file', path: historyPath(this.#spec), key };
  }

  /** The process was started with it (`launch`); what is left is to see it in the history. */
  message(message: OutgoingMessage): Action[] {
    if (this.#turn) {
      return [
        {
          do: 'refused',
          messageId: message.messageId,
          why: 'aider takes one message a process, and one is running',
          retryable: true,
        },
      ];
    }
    this.#pending = message;
    return [];
  }

  /** Needs no process. Not in: refused as retryable, so that it is sent as a new message. */
  confirm(message: OutgoingMessage): Action[] {
    this.#confirming = message;
    return [this.#look('confirm')];
  }

  file(key: string, lines: Iterable<string> | null): Action[] {
    const message = key === 'confirm' ? this.#confirming : this.#pending;
    if (message === null) return [];
    const held = deliveredCount(lines ?? []) > message.ordinal;
    if (key === 'confirm') {
      this.#confirming = null;
      if (held) return [{ do: 'confirmed', messageId: message.messageId, turnFollows: false }];
      return [{ do: 'refused', messageId: message.messageId, why: "it is not in aider's history", retryable: true }];
    }
    if (!held) return [];
    this.#pending = null;
    return [{ do: 'confirmed', messageId: message.messageId, turnFollows: true }];
  }

  /** Nothing to write: the host's SIGINT is aider's interrupt. */
  interrupt(): Action[] {
    return [];
  }

  answer(): Action[] {
    return [];
  }

  toolResult(): Action[] {
    return [];
  }

  close(): Action[] {
    return [];
  }
}
