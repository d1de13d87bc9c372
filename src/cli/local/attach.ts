/**
 * `tutti attach NAME`: tmux attach to exactly that session. Inside tutti's own server it switches the client; inside another tmux it
 * opens a new window there (`--here`: in this pane), with TMUX unset, since tmux refuses to nest.
 */
import type { Agent } from '../../client/index.ts';
import { CliFailure } from '../failure.ts';
import type { CommandFile, Context } from '../program.ts';

export const command: CommandFile = {
  define(command, run) {
    command
      .argument('<name>', 'agent')
      .option('--here', 'inside another tmux: in this pane instead of a new window')
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti attach fix            Ctrl-b d leaves it running\n  $ tmux -L tutti attach -t =fix   the same by hand',
      )
      .action(
        run(async (context, name: string, flags: { here?: boolean }) => attach(context, name, flags.here === true)),
      );
  },
};

async function attach(context: Context, name: string, here: boolean): Promise<number> {
  const client = await context.connect();
  const agent = await client.get(name).finally(() => client.close());
  const place = placeOf(context.env.TMUX, agent.tmux.socket);
  if (context.out.json) {
    context.out.result({ argv: attachArgv(agent), place }, '');
    return 0;
  }
  if (!context.out.stdoutIsTty && place === 'outside') {
    throw new CliFailure('INVALID_ARGUMENT', 'attach needs a terminal', {
      hint: `tutti logs ${name} -f  works without one`,
    });
  }
  // TMUX_TMPDIR too: our server is where it always is, whatever the user's own tmux was told.
  const { TMUX: _tmux, TMUX_PANE: _pane, TMUX_TMPDIR: _folder, ...env } = context.env;
  const status = await runIn(context, agent, place, here, env);
  if (status !== 0) {
    throw new CliFailure('NOT_FOUND', `tmux could not attach to ${agent.tmux.session} (exit ${status})`, {
      why: `${agent.name} is ${agent.state}${agent.reason ? `: ${agent.reason}` : ''}`,
      hint: `tutti why ${agent.name}`,
    });
  }
  return 0;
}

type Place = 'outside' | 'own-server' | 'other-tmux';

/** TMUX is `<socket path>,<server pid>,<session>`. */
function placeOf(tmux: string | undefined, socket: string): Place {
  if (!tmux) return 'outside';
  return tmux.split(',')[0]?.endsWith(`/${socket}`) ? 'own-server' : 'other-tmux';
}

function attachArgv(agent: Agent): string[] {
  return ['tmux', '-L', agent.tmux.socket, 'attach-session', '-t', `=${agent.tmux.session}`];
}

function runIn(context: Context, agent: Agent, place: Place, here: boolean, env: NodeJS.ProcessEnv): Promise<number> {
  const { foreground } = context.local;
  if (place === 'own-server') {
    return foreground(['tmux', 'switch-client', '-t', `=${agent.tmux.session}`], context.env);
  }
  if (place === 'other-tmux' && !here) {
    const inner = ['env', '-u', 'TMUX', '-u', 'TMUX_PANE', '-u', 'TMUX_TMPDIR', ...attachArgv(agent)];
    return foreground(['tmux', 'new-window', '-n', agent.name, ...inner], context.env);
  }
  return foreground(attachArgv(agent), env);
}
