/** Where tmux keeps the socket of a `-L` name, and whether a server answers there. */
import { connect } from 'node:net';

/** TMUX_TMPDIR is never used by tutti, so it is not looked at here. */
export function tmuxSocketPath(name: string): string {
  return `/tmp/tmux-${process.getuid?.() ?? 0}/${name}`;
}

/** Does somebody listen there? */
export function tmuxServerAnswers(name: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(tmuxSocketPath(name));
    const end = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
