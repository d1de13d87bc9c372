/** How aider is started: one process for one message, and a person's own session on the same history. */
import type { Launch, LaunchSpec, OutgoingMessage } from '../driver.ts';

const QUIET = [
  ...['--yes-always', '--no-pretty', '--no-fancy-input', '--no-stream'],
  ...['--no-check-update', '--no-show-release-notes', '--no-show-model-warnings', '--analytics-disable'],
  ...['--no-gitignore', '--no-detect-urls', '--no-suggest-shell-commands', '--disable-playwright'],
] as const;

export const historyPath = (spec: LaunchSpec): string => `${spec.dir}/history.md`;

/** Without a message it only looks whether it could start (`--exit`). */
export function launch(spec: LaunchSpec, message: OutgoingMessage | null): Launch {
  const file = { path: `${spec.dir}/message.md`, text: message?.text ?? '' };
  const task = message === null ? ['--exit'] : ['--message-file', file.path];
  return {
    argv: [
      ...program(spec),
      ...model(spec),
      ...task,
      ...QUIET,
      ...history(spec),
      ...(spec.resume ? ['--restore-chat-history'] : []),
      ...spec.args,
    ],
    // Its lines wrap at COLUMNS; with --yes-always it would open the links of an error in a browser.
    env: { COLUMNS: '10000', NO_COLOR: '1', BROWSER: 'true', PYTHONUNBUFFERED: '1' },
    ...(message === null ? {} : { files: [file] }),
  };
}

export function takeOver(spec: LaunchSpec): Launch {
  return {
    argv: [...program(spec), ...model(spec), ...history(spec), '--restore-chat-history', ...spec.args],
    env: {},
  };
}

const program = (spec: LaunchSpec): string[] => (spec.command.length > 0 ? spec.command : ['aider']);
const model = (spec: LaunchSpec): string[] => (spec.model === null ? [] : ['--model', spec.model]);
const history = (spec: LaunchSpec): string[] => [
  '--chat-history-file',
  historyPath(spec),
  '--input-history-file',
  `${spec.dir}/input.history`,
];
