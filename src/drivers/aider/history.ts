/**
 * Aider's chat history (Markdown): each process begins a segment with `# aider chat started at …`, its own lines are `> …`, the message
 * is `#### …`, answers are plain. One message a process, so a segment holds the message or it does not.
 */
const SEGMENT = '# aider chat started at ';

/**
 * How many messages the history holds. Only the first line of a segment that is neither aider's own nor blank counts:
 * an answer may contain `####` as well.
 */
export function deliveredCount(lines: Iterable<string>): number {
  let delivered = 0;
  let looking = false;
  for (const line of lines) {
    if (line.startsWith(SEGMENT)) looking = true;
    else if (looking && line.trim() !== '' && !line.startsWith('>')) {
      looking = false;
      if (line.startsWith('#### ')) delivered += 1;
    }
  }
  return delivered;
}
