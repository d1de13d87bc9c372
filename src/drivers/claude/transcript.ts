/**
 * claude's own transcript, mended before it is resumed.
 *
 * Fact (2.1.197, tried): claude notes its newest message in a `last-prompt` line now and then, not at each message. After a kill in
 * mid-command a resume leaves the unfinished call out and goes on from the message before it. If the newest note names that call, the
 * next resume goes on from the call again, and everything said in between is lost, with all of it in the file. Without a note, or with
 * one that names the last message, claude goes on from the last message. So the last message is noted for it.
 * A kill in the middle of a write leaves half a line: without a newline behind it the next line would be lost with it.
 */
import type { LaunchSpec, OwnRecord } from '../driver.ts';
import { parseObject, text } from './fields.ts';

export function ownRecord(spec: LaunchSpec, env: Record<string, string>): OwnRecord | null {
  const { conversationId } = spec;
  const config = env.CLAUDE_CONFIG_DIR ?? (env.HOME === undefined ? null : `${env.HOME}/.claude`);
  if (conversationId === null || config === null) return null;
  return {
    below: `${config}/projects`,
    name: `${conversationId}.jsonl`,
    mend: (lines, whole) => `${whole ? '' : '\n'}${noteOf(lines, conversationId)}`,
  };
}

const IN_CONVERSATION = new Set(['user', 'assistant', 'attachment', 'system']);

/** The line that names the last message as the newest; '' where that is known, or the person chose another place to go on from. */
function noteOf(lines: Iterable<string>, sessionId: string): string {
  let last: string | null = null;
  let noted: string | null = null;
  let chosen = false;
  for (const line of lines) {
    const entry = parseObject(line);
    const type = text(entry?.type);
    if (entry === null || type === null) continue;
    if (type === 'last-prompt') {
      const leaf = text(entry.leafUuid);
      // What is chosen stays so when it is noted once more.
      if (leaf !== null || entry.explicit === true) chosen = entry.explicit === true || (chosen && leaf === noted);
      noted = leaf ?? noted;
    } else if (IN_CONVERSATION.has(type) && entry.isSidechain !== true && text(entry.uuid) !== null) {
      last = text(entry.uuid);
      chosen = false;
    }
  }
  if (last === null || noted === null || noted === last || chosen) return '';
  return `${JSON.stringify({ type: 'last-prompt', leafUuid: last, sessionId })}\n`;
}
