/**
 * Commands that the built-in agents never run. A net against accidents, not a sandbox: the guard judges before it, and a hostile
 * command can always be written differently.
 */

interface Block {
  id: string;
  matches(command: string): boolean;
}

/** A program's name as a word of its own; a path before it does not hide it. */
const word = (names: string) => new RegExp(`(?<![\\w.-])(?:${names})(?![\\w.-])`);
/** Writing to these devices harms nothing. */
const HARMLESS_DEVICE = /^\/dev\/(null|stdout|stderr|tty|fd\/\d+)$/;
const DEVICE_WRITE = /(?:>[>|&]?\s*|\bof=)["']?(\/dev\/[^\s"';|&)]+)/g;
const RM = /(?<![\w.-])rm\s+([^;&|\n]*)/g;
const RECURSIVE = /^(-[a-zA-Z]*[rR][a-zA-Z]*|--recursive)$/;
/** The root, what is in it, its first level, a whole home. */
const PRECIOUS = /^["']?(\/+(\*|\.|\.\.)?|\/[a-zA-Z0-9._-]+\/?\**|~\/?\**|\$\{?HOME\}?\/?\**)["']?[)`"']*$/;
const removesRoot = (command: string): boolean =>
  [...command.matchAll(RM)].some(([, rest = '']) => {
    const words = rest.trim().split(/\s+/);
    const recursive = words.some((each) => RECURSIVE.test(each)) || words.includes('--no-preserve-root');
    return recursive && words.some((each) => !each.startsWith('-') && PRECIOUS.test(each));
  });

const BLOCKS: readonly Block[] = [
  { id: 'rm -rf /', matches: removesRoot },
  { id: 'sudo', matches: (command) => word('sudo|doas').test(command) },
  { id: 'shutdown', matches: (command) => word('shutdown|poweroff|halt').test(command) },
  { id: 'reboot', matches: (command) => word('reboot').test(command) },
  {
    id: '> /dev/',
    matches: (command) => [...command.matchAll(DEVICE_WRITE)].some(([, device = '']) => !HARMLESS_DEVICE.test(device)),
  },
];

/** The name of the block that the command falls under; null = it may run. Pure. */
export function blockedBy(command: string): string | null {
  return BLOCKS.find((block) => block.matches(command))?.id ?? null;
}
