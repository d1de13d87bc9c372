/** How words are written so that tmux reads exactly them. Pure. */

/**
 * One word for tmux's command parser (control mode, configuration files). Everything stands in single quotes, where tmux knows no
 * escape; a line of control mode may hold no newline, so those are written as "\n".
 */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new Error('tmux takes no NUL byte');
  if (word === '') return "''";
  return word
    .split(/(['\n\r]+)/)
    .filter((part) => part !== '')
    .map((part) => (/^['\n\r]/.test(part) ? `"${part.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"` : `'${part}'`))
    .join('');
}

/** A command line for the parser. */
export function quoteLine(words: string[]): string {
  return words.map(quoteWord).join(' ');
}

/** Arguments for the `tmux` program: a word that ends in `;` would end the command. */
export function quoteArguments(words: string[]): string[] {
  return words.map((word) => (word.endsWith(';') ? `${word.slice(0, -1)}\\;` : word));
}

/**
 * Text for an option that tmux expands as a format and a time (status lines): shown as it is, never run.
 * `#(…)` would start a shell, `%H` would be the hour; control characters go. The format halves a run of #, the drawing halves
 * it once more; of a run before `[` the format keeps all; a single # the drawing keeps.
 */
export function quoteFormat(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
    .replace(/#+(\[?)/g, (all, bracket: string) => {
      const count = all.length - bracket.length;
      return '#'.repeat(count * (count === 1 || bracket ? 2 : 4)) + bracket;
    })
    .replaceAll('%', '%%');
}
