/** The configuration of our tmux server: written into the home and named with -f, so that no other file is read. Pure. */
import { quoteWord } from './quote.ts';

/** Lines of scrollback per pane: about 1 MB. The journal is the history. */
const HISTORY_LIMIT = 2_000;

/** Option that says whose server this is: two homes never touch each other's agents. */
export const HOME_OPTION = '@tutti_home';
/** Window option of windows that hold an agent, as opposed to those a person opened. */
export const AGENT_OPTION = '@tutti_agent';

/**
 * How to leave, as each client needs it: one inside another tmux (its terminal says so) has to press the prefix twice. Stands for
 * `Ctrl-b` in the status line.
 */
export const PREFIX_FORMAT =
  '#{?#{||:#{m:screen*,#{client_termname}},#{m:tmux*,#{client_termname}}},Ctrl-b Ctrl-b,Ctrl-b}';

/** Options that tmux 3.0 knows; `-q` lets a later or an older one pass over what it does not know. */
export function tmuxConfig(home: string): string {
  return `# Written by tutti at each start of its tmux server; changes are lost.
set -gq ${HOME_OPTION} ${quoteWord(home)}
set -sq exit-empty off
set -sq escape-time 20
set -sq focus-events on
set -sq default-terminal screen-256color
set -sqa terminal-overrides ",*256col*:Tc"
set -gq update-environment ""
set -gq history-limit ${HISTORY_LIMIT}
set -gq default-size 200x50
set -gq destroy-unattached off
set -gq detach-on-destroy on
set -gq lock-after-time 0
set -gq mouse on
set -gq set-titles on
set -gq set-titles-string "#S"
set -gq display-time 4000
setw -gq remain-on-exit on
setw -gq automatic-rename off
setw -gq allow-rename off
setw -gq monitor-activity off
set -gq status on
set -gq status-interval 0
set -gq status-style "bg=colour236,fg=colour252"
set -gq status-left-length 100
set -gq status-right-length 100
set -gq status-left " #S "
set -gq status-right " ${PREFIX_FORMAT} d detach "
set -gq window-status-format ""
set -gq window-status-current-format ""
set -gq window-status-separator ""
# A slip of the mouse must not end an agent.
unbind -n MouseDown3Pane
unbind -n M-MouseDown3Pane
unbind -n MouseDown3Status
unbind -n MouseDown3StatusLeft
`;
}
