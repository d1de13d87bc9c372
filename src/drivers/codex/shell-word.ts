/** codex wraps every command as `/bin/bash -lc 'SCRIPT'`: here the script comes out again, for people and for the guard. */

const WRAPPED = /^(?:\S*\/)?(?:bash|zsh|sh|dash)\s+-l?c\s+/;
/** Inside double quotes a backslash takes away the meaning of these only. */
const ESCAPED_IN_DOUBLE = '$`"\\\n';

/**
 * The script of a wrapped command. Anything that is not exactly one shell word behind `-c` is given back unchanged,
 * so that nothing of a command can hide behind the wrapping.
 */
export function scriptOf(command: string): string {
  const head = WRAPPED.exec(command);
  if (head === null) return command;
  return oneWord(command.slice(head[0].length)) ?? command;
}

/** Reads one word as a POSIX shell would quote it; null when there is more than one, an open quote or an expansion. */
function oneWord(text: string): string | null {
  let word = '';
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end === -1) return null;
      word += text.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      const quoted = doubleQuoted(text, at + 1);
      if (quoted === null) return null;
      word += quoted.value;
      at = quoted.end;
    } else if (char === '\\') {
      if (at + 1 >= text.length) return null;
      word += text.charAt(at + 1);
      at += 2;
    } else if (/[\s$`;&|<>()*?[\]{}#~!]/.test(char)) {
      return null;
    } else {
      word += char;
      at += 1;
    }
  }
  return word;
}

function doubleQuoted(text: string, from: number): { value: string; end: number } | null {
  let value = '';
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') return { value, end: at + 1 };
    if (char === '$' || char === '`') return null;
    if (char === '\\' && ESCAPED_IN_DOUBLE.includes(text.charAt(at + 1)) && at + 1 < text.length) {
      at += 1;
      value += text.charAt(at);
    } else {
      value += char;
    }
  }
  return null;
}
