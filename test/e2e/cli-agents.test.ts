/** Living with agents on the command line of the built program: spawn, send, wait, pause, resume, interrupt, restart, stop, rm. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent } from '../../src/client/index.ts';
import { startOf } from '../../src/system/proc/index.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome();
});
afterAll(() => home.remove());

/** A task that works until the file `name` is there: a turn that lasts for as long as the test wants. */
const hold = (name: string): string => `Hold. [[scenario:tool cmd="until [ -e ${name} ]; do sleep 0.05; done"]]`;
const release = (name: string): void => writeFileSync(join(home.work, name), '');
const idle = (name: string): Promise<Agent> => home.idle(name);
const calling = (name: string, calls: number): Promise<Agent> =>
  home.until(name, (agent) => agent.state === 'working' && agent.toolCalls >= calls, 'in a command');
const said = (name: string): Promise<string[]> => home.said(name);

const AGENT_KEYS =
  `id name project cli model role parentId zone task cwd worktree branch createdAt wanted state status phase reason
hint resumeAt since pid hostPid incarnation restarts conversationId tmux tokens costUsd costEstimated context budget queued turns toolCalls
filesConsumed filesProduced lastEventAt lastProgressAt account permissions`.split(/\s+/);

describe('spawn', () => {
  it('starts the supervisor and one agent, and tells what to do next', async () => {
    const ran = await home.run(['spawn', 'alice', '--role', 'builder', '--zone', 'api']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^alice {2}starting \S+\nNext: tutti attach alice {3}or {3}tutti logs alice -f\n$/);
    const agent = await idle('alice');
    expect(agent).toMatchObject({
      ...{ name: 'alice', project: 'work', cli: 'tutti', role: 'builder', zone: 'api', wanted: 'up', incarnation: 1 },
      ...{ cwd: home.work, permissions: 'bypass', restarts: 0, queued: 0, turns: 0, status: 'idle', phase: 'complete' },
      tmux: { socket: home.tmuxSocket, session: 'alice' },
    });
  });

  it('gives the agent object with every key, in JSON', async () => {
    const agent = await home.data(['spawn', 'bob', '--task', 'hello there', '--wait', '--timeout', '1m']);
    expect(Object.keys(agent).toSorted()).toEqual(AGENT_KEYS.toSorted());
    expect(agent).toMatchObject({ state: 'idle', task: 'hello there', turns: 1 });
    expect(agent['tokens'].total).toBeGreaterThan(0);
    expect(await said('bob')).toEqual(['user: hello there', 'assistant: ack hello there']);
  });

  it('with --once ends the process when the task is done', async () => {
    const ran = await home.run(['spawn', 'once', '--once', '--task', 'just this', '--wait']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^once {2}(idle|done)/) });
    const over = await home.until('once', (agent) => agent.state === 'done' && agent.pid === null, 'ended');
    expect(over).toMatchObject({ phase: 'complete', turns: 1 });
  });

  it('takes the task from a file or from standard input', async () => {
    const cwd = join(home.work, 'sub');
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'task.md'), 'from a file\nwith two lines\n');
    const file = await home.data(['spawn', 'file', '--task-file', 'task.md'], { cwd });
    expect(file).toMatchObject({ task: 'from a file\nwith two lines\n', cwd, project: 'work' });
    const stdin = await home.data(['spawn', 'stdin', '--task-file', '-'], { input: 'from "stdin" 🎼;' });
    expect(stdin['task']).toBe('from "stdin" 🎼;');
    await Promise.all([idle('file'), idle('stdin')]);
    expect(await said('stdin')).toEqual(['user: from "stdin" 🎼;', 'assistant: ack from "stdin" 🎼;']);
    const none = await home.run(['spawn', 'none', '--task-file', 'no.md']);
    expect(none).toMatchObject({ status: 3, stderr: expect.stringContaining('cannot read the task from no.md') });
  });

  it('refuses a name that is taken, a folder that is not there, a CLI that nobody knows, and a parent that is none', async () => {
    const [taken, folder, cli, parent] = await Promise.all([
      home.run(['spawn', 'alice']),
      home.run(['spawn', 'lost', '--cwd', 'no/such/folder']),
      home.run(['spawn', 'what', '--cli', 'hal9000']),
      home.run(['spawn', 'child', '--parent', 'nobody']),
    ]);
    expect(taken).toMatchObject({ status: 4, stderr: expect.stringMatching(/alice.*\(CONFLICT\)/) });
    expect(folder).toMatchObject({ status: 2, stderr: expect.stringMatching(/no\/such\/folder does not exist/) });
    expect(cli).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/no such CLI: hal9000.*\n {2}fix {3}known:/),
    });
    expect(parent).toMatchObject({ status: 3, stderr: expect.stringContaining('nobody') });
    expect((await home.data(['ps']))['agents'].map((agent: Agent) => agent.name)).not.toContain('lost');
  });

  it('with --wait gives up after its time limit, and the agent works on', async () => {
    const ran = await home.run(['spawn', 'slow', '--task', hold('slow.go'), '--wait', '--timeout', '1s', '--json']);
    expect(ran.status).toBe(6);
    expect(ran.json).toMatchObject({ status: 'error', code: 'TIMEOUT', hint: expect.stringContaining('--timeout') });
    await calling('slow', 1);
    release('slow.go');
    await idle('slow');
  });
});

describe('send', () => {
  it('queues a message, with --wait prints the answer, and nothing else', async () => {
    expect(await home.run(['send', 'alice', 'one', 'two'])).toMatchObject({ status: 0, stdout: 'queued for alice\n' });
    await idle('alice');
    expect(await home.run(['send', 'alice', '--wait', 'three'])).toMatchObject({ status: 0, stdout: 'ack three\n' });
    const sent = await home.data(['send', 'alice', '--wait', 'four']);
    expect(sent).toMatchObject({ outcome: 'ok', text: 'ack four', messageId: expect.any(String) });
    expect((await said('alice')).filter((text) => text.startsWith('user'))).toEqual([
      'user: one two',
      'user: three',
      'user: four',
    ]);
  });

  it('takes any text from standard input, unchanged', async () => {
    const text = 'a "quoted" line; \\ $HOME `id`\n\n日本 🎼\ttab\nlast;';
    const sent = await home.data(['send', 'alice', '-', '--wait'], { input: text });
    expect(sent['outcome']).toBe('ok');
    expect(await said('alice')).toContain(`user: ${text}`);
  });

  it('holds a message for the end of the running turn', async () => {
    await home.run(['send', 'bob', hold('bob.go')]);
    await calling('bob', 1);
    const queued = await home.data(['send', 'bob', 'afterwards']);
    expect(queued).toMatchObject({ messageId: expect.any(String) });
    await home.until('bob', (agent) => agent.queued === 1, 'one message queued');
    const short = await home.run(['send', 'bob', 'and this', '--wait', '--timeout', '300ms']);
    expect(short).toMatchObject({ status: 6, stderr: expect.stringContaining('(TIMEOUT)') });
    release('bob.go');
    await idle('bob');
    expect((await said('bob')).slice(-4)).toEqual([
      'user: afterwards',
      'assistant: ack afterwards',
      'user: and this',
      'assistant: ack and this',
    ]);
  });

  it('with --now steers the running turn', async () => {
    await home.run(['send', 'bob', hold('now.go')]);
    await calling('bob', 2);
    await home.run(['send', 'bob', 'one more thing', '--now']);
    const steered = await waitFor('it is in the running turn', async () =>
      (await said('bob')).includes('user: one more thing') ? await home.agent('bob') : null,
    );
    expect(steered.state).toBe('working');
    release('now.go');
    await idle('bob');
    const { conversation = '' } = home.model.requests().at(-1) ?? {};
    expect(home.model.messages(conversation).filter(({ text }) => text === 'one more thing')).toHaveLength(1);
  });

  it('to nobody is not found, and a turn that goes wrong is told', async () => {
    expect(await home.run(['send', 'nobody', 'hi'])).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/no agent nobody {2}\(NOT_FOUND\)/),
    });
    const ran = await home.run(['send', 'bob', '[[scenario:toolong]]', '--wait']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/\(RUNTIME_ERROR\)/);
    await home.run(['rm', 'bob', '--yes']);
  });
});

describe('wait', () => {
  it('ends when all of several are there', async () => {
    const ran = await home.run(['wait', 'alice', 'file', 'alice', '--timeout', '20s']);
    expect(ran).toMatchObject({ status: 0, stdout: 'alice  idle\nfile  idle\n' });
    const { agents } = await home.data(['wait', 'once', '--for', 'failed,done']);
    expect(agents).toMatchObject([{ name: 'once', state: 'done' }]);
  });

  it('tells when it cannot come true, or does not come true in time', async () => {
    const [never, late, nobody, none] = await Promise.all([
      home.run(['wait', 'once', '--for', 'limited']),
      home.run(['wait', 'alice', '--for', 'limited', '--timeout', '200ms']),
      home.run(['wait', 'nobody']),
      home.run(['wait']),
    ]);
    expect(never).toMatchObject({ status: 1, stderr: expect.stringMatching(/once is done/) });
    expect(late).toMatchObject({ status: 6, stderr: expect.stringMatching(/not within 0\.2 s.*\(TIMEOUT\)/) });
    expect(nobody.status).toBe(3);
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('no agent named') });
  });

  it('sees a state that comes', async () => {
    const waiting = home.start(['wait', 'alice', '--for', 'stopped', '--json']);
    await home.run(['stop', 'alice']);
    const ran = await waiting.end();
    expect(ran.status).toBe(0);
    expect(ran.json.data['agents']).toMatchObject([{ name: 'alice', state: 'stopped' }]);
    await home.run(['resume', 'alice']);
    await idle('alice');
  });
});

describe('a running turn', () => {
  it('is interrupted, with its command', async () => {
    await home.run(['send', 'alice', hold('never.go')]);
    const before = await calling('alice', 1);
    const interrupted = await home.run(['interrupt', 'alice']);
    expect(interrupted.status).toBe(0);
    const after = await idle('alice');
    expect(after).toMatchObject({ pid: before.pid, incarnation: before.incarnation });
    const turns = (await home.events('alice')).filter((event) => event.type === 'turn');
    expect(turns.at(-1)).toMatchObject({ phase: 'end', outcome: 'interrupted' });
    expect((await home.run(['interrupt', 'alice'])).status).toBe(0);
  });

  it('ends before a pause takes effect; the queue is held until resume', async () => {
    await home.run(['send', 'alice', hold('pause.go')]);
    await calling('alice', 2);
    expect((await home.run(['pause', 'alice'])).status).toBe(0);
    await home.run(['send', 'alice', 'held']);
    expect(await home.agent('alice')).toMatchObject({ state: 'working', wanted: 'paused', queued: 1 });
    release('pause.go');
    await home.until('alice', (agent) => agent.state === 'paused');
    expect(await said('alice')).not.toContain('user: held');
    const resumed = await home.data(['resume', 'alice']);
    expect(resumed['agents']).toMatchObject([{ name: 'alice', wanted: 'up' }]);
    await idle('alice');
    expect((await said('alice')).slice(-2)).toEqual(['user: held', 'assistant: ack held']);
  });

  it('is interrupted by pause --now', async () => {
    await home.run(['send', 'alice', hold('never.go')]);
    await calling('alice', 3);
    await home.run(['pause', '--now', 'alice']);
    await home.until('alice', (agent) => agent.state === 'paused');
    await home.run(['resume', '--all']);
    await idle('alice');
  });
});

describe('restart', () => {
  it('starts another process with the same conversation', async () => {
    const before = await home.agent('alice');
    await home.run(['restart', 'alice']);
    const after = await home.until('alice', (a) => a.incarnation > before.incarnation && a.state === 'idle');
    expect(after.pid).not.toBe(before.pid);
    expect(after).toMatchObject({ conversationId: before.conversationId, restarts: 0 });
    await home.run(['send', 'alice', 'please remember the word CROTCHET', '--wait']);
    await home.run(['restart', 'alice']);
    await home.until('alice', (a) => a.incarnation > after.incarnation && a.state === 'idle');
    const asked = await home.run(['send', 'alice', 'which? [[scenario:recall]]', '--wait']);
    expect(asked.stdout).toContain('The word was CROTCHET.');
  });

  it('with --fresh begins a new conversation', async () => {
    const before = await home.agent('alice');
    await home.run(['restart', 'alice', '--fresh']);
    const after = await home.until('alice', (a) => a.incarnation > before.incarnation && a.state === 'idle');
    expect(after.conversationId).not.toBe(before.conversationId);
    const asked = await home.run(['send', 'alice', 'which? [[scenario:recall]]', '--wait']);
    expect(asked.stdout).toContain('I was told no word.');
  });
});

describe('stop', () => {
  it('ends everything of an agent, commands included, and keeps the agent', async () => {
    await home.run(['send', 'alice', 'go [[scenario:tool cmd="echo $$ > shell.pid; sleep 1000 & sleep 1000"]]']);
    const shell = await waitFor('the command runs', () => {
      const file = join(home.work, 'shell.pid');
      return existsSync(file) && readFileSync(file, 'utf8').trim();
    });
    const ran = await home.run(['stop', 'alice']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^alice {2}stopped/) });
    expect(startOf(Number(shell))).toBeNull();
    expect(await home.agent('alice')).toMatchObject({ state: 'stopped', wanted: 'down', pid: null });
    rmSync(join(home.work, 'shell.pid'));
    expect((await home.run(['stop', 'alice'])).status).toBe(0);
    const paused = await home.run(['pause', 'alice', '--json']);
    expect({ status: paused.status, code: paused.json.code }).toEqual({ status: 4, code: 'INVALID_TRANSITION' });
  });

  it('keeps messages that are sent meanwhile for the next start', async () => {
    await home.run(['send', 'alice', 'for later']);
    expect(await home.agent('alice')).toMatchObject({ state: 'stopped', queued: 1 });
    await home.run(['resume', 'alice']);
    await idle('alice');
    expect(await said('alice')).toContain('user: for later');
  });
});

describe('rm', () => {
  it('refuses without a yes where there is no terminal', async () => {
    const ran = await home.run(['rm', 'file']);
    expect(ran).toMatchObject({ status: 7, stdout: '', stderr: expect.stringMatching(/forgets file.*\(DENIED\)/) });
    expect((await home.run(['rm', '--all', '--json'])).json).toMatchObject({ code: 'DENIED', hint: 'add --yes' });
    expect(await home.agent('file')).toMatchObject({ name: 'file' });
  });

  it('stops and forgets: queue, launch environment, process', async () => {
    const { id, pid } = await home.agent('file');
    expect(existsSync(home.paths.agentEnv(id))).toBe(true);
    expect(await home.run(['rm', 'file', '-y'])).toMatchObject({ status: 0, stdout: 'removed file\n' });
    await waitFor('its process is gone', () => startOf(pid ?? 0) === null);
    await waitFor('its environment is gone', () => !existsSync(home.paths.agentEnv(id)));
    expect((await home.run(['show', 'file'])).status).toBe(3);
    expect(await home.data(['rm', 'stdin', '--yes'])).toMatchObject({ removed: [{ name: 'stdin' }] });
  });
});

describe('verbs', () => {
  it('of nobody are not found (exit 3), in JSON too', async () => {
    const verbs = ['interrupt', 'pause', 'resume', 'restart', 'stop', 'rm', 'attach', 'logs', 'why', 'show', 'events'];
    const runs = await Promise.all(verbs.map((verb) => home.run([verb, 'nobody', '--json'])));
    for (const ran of runs) {
      expect(ran.status).toBe(3);
      expect(ran.json).toMatchObject({ status: 'error', code: 'NOT_FOUND', hint: 'tutti ps lists them' });
    }
  });

  it('want names or --all, not both', async () => {
    expect((await home.run(['stop'])).status).toBe(2);
    expect((await home.run(['stop', 'alice', '--all'])).status).toBe(2);
  });

  it('with --all take every agent; down --all leaves nothing alive', async () => {
    const { agents } = await home.data(['stop', '--all']);
    expect(agents.every((agent: Agent) => agent.state === 'stopped' || agent.state === 'done')).toBe(true);
    const ran = await home.run(['down', '--all']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('The supervisor has ended as well.') });
    await waitFor('nothing of the home lives', () => home.alive().length === 0);
  });
});
