/** tmux in control mode: one attached client that takes commands line by line, a hundred times cheaper than a process per command. */
import { clock } from '../clock.ts';
import { type Conversation, converse } from '../process.ts';
import { quoteLine } from './quote.ts';

/** Every call to tmux is given up after this. Milliseconds. */
export const TMUX_LIMIT_MS = 10_000;

/** tmux answered with an error, in its own words. */
export class TmuxError extends Error {
  override name = 'TmuxError';
}

/** tmux did not answer: nothing is known of what it holds. */
export class TmuxUnreachable extends Error {
  override name = 'TmuxUnreachable';
}

export interface ControlClient {
  /** Runs one command; gives its output lines. Rejects with TmuxError or TmuxUnreachable. */
  command(words: string[]): Promise<string[]>;
  end(): void;
  /** It has ended: every further command rejects. */
  readonly over: boolean;
}

interface Pending {
  resolve(lines: string[]): void;
  reject(error: Error): void;
}

/**
 * Attaches a control client. Resolves when tmux greeted it; rejects with what tmux said instead.
 * @param argv tmux, its socket and `-C attach-session …`
 * @param onEnd called once when an attached client ends, for whatever reason
 */
export function attachControl(
  argv: string[],
  options: { env: Record<string, string>; cwd: string },
  onEnd: () => void,
): Promise<ControlClient> {
  return new Promise((attached, refused) => {
    const waiting: Pending[] = [];
    let block: { number: string; lines: string[] } | null = null;
    let up = false;
    let over = false;

    function finish(ok: boolean, lines: string[]): void {
      if (!up) {
        // The first block answers the attach itself.
        up = ok;
        greeting.cancel();
        if (ok) attached(client);
        else refused(new TmuxError(lines.join('; ')));
        return;
      }
      const pending = waiting.shift();
      if (ok) pending?.resolve(lines);
      else pending?.reject(new TmuxError(lines.join('; ')));
    }

    function line(text: string): void {
      if (block) {
        const end = /^%(end|error) \d+ (\d+)/.exec(text);
        if (end && end[2] === block.number) {
          const { lines } = block;
          block = null;
          finish(end[1] === 'end', lines);
        } else block.lines.push(text);
        return;
      }
      const begin = /^%begin \d+ (\d+)/.exec(text);
      if (begin) block = { number: begin[1] ?? '', lines: [] };
      // Everything else is a notification; who lives and dies is known from the hosts.
    }

    function ended(message: string): void {
      if (over) return;
      over = true;
      greeting.cancel();
      const error = new TmuxUnreachable(`tmux went away: ${message}`);
      for (const pending of waiting.splice(0)) pending.reject(error);
      if (up) onEnd();
      else refused(error);
    }

    const conversation: Conversation = converse(argv, options, { line, ended });
    const greeting = clock.setTimeout(() => {
      if (up || over) return;
      ended(`no greeting within ${TMUX_LIMIT_MS} ms`);
      conversation.end();
    }, TMUX_LIMIT_MS);
    const client: ControlClient = {
      command(words) {
        if (over) return Promise.reject(new TmuxUnreachable('the control client has ended'));
        return limited(
          new Promise((resolve, reject) => {
            waiting.push({ resolve, reject });
            conversation.write(`${quoteLine(words)}\n`);
          }),
          () => {
            // Answers come in order: after a missing one none can be told apart, so this client is of no more use.
            ended(`no answer within ${TMUX_LIMIT_MS} ms`);
            conversation.end();
          },
        );
      },
      end: () => conversation.end(),
      get over() {
        return over;
      },
    };
  });
}

/** Calls `late` when the promise takes longer than the limit. */
function limited<T>(promise: Promise<T>, late: () => void): Promise<T> {
  const timer = clock.setTimeout(late, TMUX_LIMIT_MS);
  return promise.finally(() => timer.cancel());
}
