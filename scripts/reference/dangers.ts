/** docs/reference/dangers.md: the configurations that `tutti doctor` warns of, from the checks themselves. */
import { ANTIPATTERNS, NOT_JUDGED } from '../../src/core/config/lint.ts';

export function dangersPage(): string {
  return [
    '# Dangerous configurations',
    '',
    'Generated from `src/core/config/lint.ts` by `npm run docs`. `tutti doctor` warns of these in the project of the current folder, with the names and',
    'values it found (`--json`: findings `config:<id>` with `message`, `why` and `fix`). They are warnings: the configuration works.',
    '',
    '| id | what | why it is dangerous | how to mend it |',
    '|---|---|---|---|',
    ...Object.entries(ANTIPATTERNS).map(([id, { what, why, mend }]) => `| \`${id}\` | ${what} | ${why} | ${mend} |`),
    '',
    '## Not judged',
    '',
    'Known antipatterns that nothing in the configuration of this version can show. No warning says nothing about them.',
    '',
    '| id | what, and why it is not judged |',
    '|---|---|',
    ...Object.entries(NOT_JUDGED).map(([id, text]) => `| \`${id}\` | ${text} |`),
    '',
  ].join('\n');
}
