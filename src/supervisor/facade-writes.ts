/** The facade's writes: checked here, decided by the core, answered when durable. */
import type { AgentState } from '../core/state.ts';
import type { Command, Reply } from '../core/step.ts';
import { forbidAgents, identify, type KnownCaller, requireBelow } from './access.ts';
import { apply, spawn } from './facade-declare.ts';
import { type Asker, type Facade, MAX_QUEUE, MESSAGE_LIMIT, Refusal } from './facade.ts';
import { accepted, checkSecrets, enter, invalid, submit, type Writing } from './facade-enter.ts';
import { findAgent, viewOf } from './facade-reads.ts';

type Writes = Pick<Facade, 'spawn' | 'apply' | 'send' | 'act' | 'remove' | 'down' | 'answer' | 'stopSupervisor'>;

/** Longest that `down` waits for agents to stop. Milliseconds. */
const DOWN_LIMIT_MS = 60_000;

export function createWrites(running: Writing): Writes {
  const { loop, supervisor } = running;
  const order = (asker: Asker, caller: KnownCaller, command: Command): Promise<Reply> =>
    submit(running, asker, caller, command);

  return {
    spawn: (declared, asker) => spawn(running, declared, asker),
    apply: (wanted, asker) => apply(running, wanted, asker),
    async send(ref, message, asker) {
      const caller = await enter(running, asker);
      const agent = findAgent(loop.state, ref);
      requireBelow(loop.state, caller, agent);
      checkMessage(running, agent, message.content);
      const messageId = message.messageId ?? supervisor.ports.clock.uuid();
      const { content: text, now } = message;
      const id = asker.commandId ?? messageId;
      accepted(
        await order({ ...asker, commandId: id }, caller, {
          verb: 'send',
          agentId: agent.id,
          messageId,
          text,
          from: caller.from,
          now,
        }),
      );
      return { messageId, agentId: agent.id, seq: loop.state.seq };
    },
    async act(ref, act, asker) {
      const caller = await enter(running, asker);
      const agent = findAgent(loop.state, ref);
      requireBelow(loop.state, caller, agent);
      accepted(await order(asker, caller, { ...act, agentId: agent.id }));
      return viewOf(running, findAgent(loop.state, agent.id));
    },
    async remove(ref, asker) {
      const caller = await enter(running, asker);
      const agent = findAgent(loop.state, ref);
      requireBelow(loop.state, caller, agent);
      accepted(await order(asker, caller, { verb: 'rm', agentId: agent.id }));
      running.secrets.drop(agent.id);
      return { id: agent.id, name: agent.name };
    },
    async answer(requestId, { decision, text }, asker) {
      const caller = await enter(running, asker);
      forbidAgents(caller, 'approve, deny or answer requests');
      const agent = Object.values(loop.state.agents).find((candidate) => candidate.requests[requestId]);
      if (!agent) {
        throw new Refusal({
          code: 'NOT_FOUND',
          message: `no open request ${requestId}`,
          hint: 'it may have been answered or have lapsed with its turn; tutti show NAME lists the open ones',
        });
      }
      checkSecrets(running, text ?? '');
      accepted(await order(asker, caller, { verb: 'answer', requestId, decision, text }));
      return { requestId, decision, agentId: agent.id };
    },
    down: (project, asker) => down(running, project, asker),
    stopSupervisor(asker) {
      forbidAgents(identify(loop.state, asker, supervisor.home8), 'stop the supervisor');
      setImmediate(() => supervisor.onEnd('stop'));
      return { pid: supervisor.pid };
    },
  };
}

function checkMessage(running: Writing, agent: AgentState, content: string): void {
  const bytes = Buffer.byteLength(content);
  if (bytes > MESSAGE_LIMIT) {
    const message = `the message has ${bytes} bytes; the most is ${MESSAGE_LIMIT}`;
    throw new Refusal({ code: 'INVALID_ARGUMENT', message, hint: 'put it into a file and name the file' }, 413);
  }
  if (content.trim() === '') throw invalid('an empty message');
  if (agent.queue.length >= MAX_QUEUE) {
    const message = `${agent.queue.length} messages wait for ${agent.name} already; the most is ${MAX_QUEUE}`;
    throw new Refusal({ code: 'CONFLICT', message, hint: 'wait until it has worked on some' }, 429);
  }
  checkSecrets(running, content);
}

async function down(running: Writing, project: string | null, asker: Asker): ReturnType<Facade['down']> {
  const caller = await enter(running, asker);
  forbidAgents(caller, 'use down');
  const { loop, supervisor } = running;
  const inScope = (agent: AgentState): boolean => project === null || agent.project === project;
  const targets = Object.values(loop.state.agents).filter((agent) => inScope(agent) && !isDown(agent));
  for (const agent of targets) {
    accepted(await submit(running, { ...asker, commandId: null }, caller, { verb: 'stop', agentId: agent.id }));
  }
  const left = (): AgentState[] =>
    targets.flatMap(({ id }) => loop.state.agents[id] ?? []).filter((agent) => !isDown(agent));
  if (!(await running.until(() => left().length === 0, DOWN_LIMIT_MS))) {
    const names = left().map((agent) => agent.name);
    const hint = 'tutti doctor shows what is left of them';
    throw new Refusal({ code: 'TIMEOUT', message: `not stopped in time: ${names.join(', ')}`, hint });
  }
  const supervisorStops = Object.values(loop.state.agents).every((agent) => agent.wanted === 'down');
  if (supervisorStops) setImmediate(() => supervisor.onEnd('down'));
  return { stopped: targets.map((agent) => agent.name), supervisorStops };
}

/** Nothing of it is alive, and nothing is wanted. */
function isDown(agent: AgentState): boolean {
  return agent.wanted === 'down' && (agent.host.phase === 'none' || agent.host.phase === 'down');
}
