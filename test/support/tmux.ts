/** A real tmux server of a temporary home. */
import { createTmux, type TmuxOptions } from '../../src/system/tmux/index.ts';
import type { Tmux } from '../../src/supervisor/ports.ts';
import type { TempHome } from './temp-home.ts';

export function tmuxOptions(home: TempHome, change: Partial<TmuxOptions> = {}): TmuxOptions {
  return {
    socket: home.tmuxSocket,
    home: home.home,
    confFile: home.paths.tmuxConf,
    pidFile: home.paths.tmuxPid,
    env: home.env,
    onProblem: (message) => process.stderr.write(`${message}\n`),
    ...change,
  };
}

export function tmuxOf(home: TempHome, change: Partial<TmuxOptions> = {}): Tmux {
  return createTmux(tmuxOptions(home, change));
}
