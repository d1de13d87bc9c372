/** What is heard of pane hosts: greetings, deaths, silence, and the loss of the terminal under them. */
import { agentsOf, atBoundary, cliAlive } from '../agent.ts';
import type { AgentState } from '../state.ts';
import type { Input } from '../step.ts';
import { configure } from './configure.ts';
import { expireRequests } from './exits.ts';
import { resend } from './queue.ts';
import { judge, noteHealth, within } from './restart.ts';
import { passVerdict } from './status.ts';
import type { Work } from './work.ts';

type InputOf<T extends Input['type']> = Extract<Input, { type: T }>;

export function onHostUp(w: Work, { agentId, hello }: InputOf<'host_up'>): void {
  const agent = w.touch(agentId);
  if (!agent) return;
  const { host } = agent;
  // A greeting of a host that was given up, or of one before it: whoever sent it is being ended, or was.
  if (hello.epoch < host.epoch) return;
  if (hello.epoch === host.epoch && host.phase !== 'starting' && host.phase !== 'up') return;
  const turnedBlind = hello.blind && !host.blind;
  w.slotFreed = true;
  w.emit(
    agent.id,
    { type: 'host', phase: 'up', epoch: hello.epoch, protocol: hello.protocol, pid: hello.pid, blind: hello.blind },
    { by: 'host' },
  );
  adoptCli(w, agent, hello);
  if (turnedBlind) showAgain(w, agent);
  if (w.recovering) return;
  resend(w, agent);
  configure(w, agent);
}

/** The journal has been read to the greeting, so the two agree; where a gap in it hides an exit or a start, the host's word counts. */
function adoptCli(w: Work, agent: AgentState, hello: InputOf<'host_up'>['hello']): void {
  const { cli } = hello;
  // An old greeting: the journal has told more since.
  if (agent.cursor !== null && agent.cursor.epoch === hello.epoch && hello.n < agent.cursor.n) return;
  const startPending = Object.values(agent.pending).some((order) => order.verb === 'start');
  if (cli === null) {
    if (!cliAlive(agent) || startPending) return;
    expireRequests(w, agent, 'the CLI ended');
    w.emit(agent.id, { type: 'exit', code: null, signal: null, cause: 'unseen' }, { by: 'host', durable: true });
    return;
  }
  if (cli.incarnation <= agent.cli.incarnation) return;
  w.emit(
    agent.id,
    {
      type: 'command',
      id: `adopted-${cli.incarnation}`,
      verb: 'host.adopted',
      by: 'host',
      phase: 'done',
      args: { incarnation: cli.incarnation, pid: cli.pid, ready: cli.ready, turn: cli.turn },
      result: null,
    },
    { by: 'host', durable: true },
  );
}

export function onHostDown(w: Work, { agentId, epoch, why }: InputOf<'host_down'>): void {
  const agent = w.touch(agentId);
  if (!agent || epoch < agent.host.epoch) return;
  const { phase } = agent.host;
  if (epoch > agent.host.epoch) laterHostEnded(w, agent, epoch, why);
  // While it is being cleared, the clearing's own end says that nothing is left.
  else if (phase === 'starting' || phase === 'up') hostEnded(w, agent, why, wasToldToEnd(agent));
}

/** The log knows nothing of it (its end was lost with the power): its epoch is used up all the same. */
function laterHostEnded(w: Work, agent: AgentState, epoch: number, why: string): void {
  expireRequests(w, agent, 'the pane host ended');
  w.emit(
    agent.id,
    { type: 'host', phase: 'lost', epoch, protocol: null, pid: null, why },
    { by: 'host', durable: true },
  );
}

/** Its own word, or our order, was that it ends: its tree went first. */
const wasToldToEnd = (agent: AgentState): boolean =>
  Object.values(agent.pending).some((order) => order.verb === 'quit');

/** The host process is proven dead. `clean` = it ended by order, and left nothing behind as far as it said. */
export function hostEnded(w: Work, agent: AgentState, why: string, clean: boolean): void {
  w.slotFreed = true;
  const { epoch } = agent.host;
  expireRequests(w, agent, 'the pane host ended');
  if (!clean) noteHealth(w, agent);
  const phase = clean && !cliAlive(agent) ? 'down' : clean ? 'clearing' : 'lost';
  w.emit(
    agent.id,
    { type: 'host', phase, epoch, protocol: agent.host.protocol, pid: null, why },
    { by: 'host', durable: true },
  );
  if (phase === 'clearing') w.effect({ do: 'clear', agentId: agent.id, epoch });
  if (phase !== 'lost' || agent.wanted === 'down' || agent.gate !== null) return;
  judgeHost(w, agent, why);
}

/** Host deaths have a tally of their own; in a row are those within the window. */
export function judgeHost(w: Work, agent: AgentState, why: string): void {
  const times = agent.tally.host;
  const inRow = within(times, w.now, w.settingsOf(agent).backoff.resetAfterMs);
  passVerdict(w, agent, judge(w, agent, 'its pane host', times, inRow, why, null));
}

/** It took no order in time: it, and all it has started, is ended before another is started. */
export function onHostHung(w: Work, { agentId, epoch, commandId }: InputOf<'host_hung'>): void {
  const agent = w.touch(agentId);
  if (!agent || epoch !== agent.host.epoch) return;
  condemnHost(w, agent, `order ${commandId} was not acknowledged`);
}

export function condemnHost(w: Work, agent: AgentState, observation: string): void {
  if (agent.host.phase !== 'up' && agent.host.phase !== 'starting') return;
  w.slotFreed = true;
  const { epoch, protocol } = agent.host;
  w.emit(
    agent.id,
    {
      type: 'watchdog',
      layer: 0,
      observation,
      verdict: 'host_hung',
      action: 'clear',
      evidence: `epoch ${epoch}, since ${agent.host.at}`,
    },
    { by: 'supervisor', durable: true },
  );
  w.emit(
    agent.id,
    { type: 'host', phase: 'clearing', epoch, protocol, pid: agent.host.pid, why: observation },
    { by: 'supervisor', durable: true },
  );
  w.effect({ do: 'clear', agentId: agent.id, epoch });
  if (agent.wanted !== 'down' && agent.gate === null) judgeHost(w, agent, observation);
}

/** A view for a host without a pane; one that can be moved at once gets a pane of its own instead. */
export function showAgain(w: Work, agent: AgentState): void {
  if (agent.wanted === 'down' || (agent.wanted === 'up' && (atBoundary(agent) || !cliAlive(agent)))) return;
  w.effect({ do: 'start_view', agentId: agent.id, epoch: agent.host.epoch });
}

/** The tmux server is gone. Hosts that live on have lost their view; those that died say so by themselves. */
export function onTmuxLost(w: Work): void {
  for (const { id, host } of agentsOf(w.state)) {
    if (host.phase !== 'up' || !host.linked || host.blind) continue;
    const agent = w.touch(id) as AgentState;
    const { epoch, protocol, pid } = host;
    w.emit(agent.id, { type: 'host', phase: 'up', epoch, protocol, pid, blind: true }, { by: 'supervisor' });
    showAgain(w, agent);
  }
}

/** Durable: what the supervisor before this one wrote and did not sync is acted on only once it cannot be lost any more. */
export function onBoot(w: Work, input: InputOf<'boot'>): void {
  w.emit(
    null,
    {
      type: 'command',
      id: `boot-${w.state.seq + 1}`,
      verb: 'boot',
      by: 'supervisor',
      phase: 'done',
      result: { pid: input.pid, build: input.build, crashed: input.crashed },
    },
    { by: 'supervisor', durable: true },
  );
}
