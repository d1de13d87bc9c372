/** What every real CLI has to do under tutti: one table of steps, run by each file of test/real on a CLI of its own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RealCliName } from './real-clis.ts';
import { realCli, skipLine } from './real-clis.ts';
import { openRealStage, type Permissions, type RealAgent, type RealStage } from './real-stage.ts';

/** What differs from CLI to CLI. */
export interface RealTraits {
  /** Takes a message into a running turn; false = it is held to the turn's end. */
  steers: boolean;
  /** Its own resume brings the conversation back; false = a handoff may take its place. */
  resumes: boolean;
}

/** Runs until the file is there: the test decides when. */
const WAITING = '[[scenario:tool cmd="touch waiting; while ! test -e go; do sleep 0.2; done"]]';
/** Long, unless it was freed: a second run of it (after a resume) ends at once. */
const LONG = '[[scenario:tool cmd="test -e freed || sleep 6117"]]';
const SLEEP = 'sleep 6117';

interface Step {
  title: string | ((traits: RealTraits) => string);
  /** Default: bypass. */
  permissions?: Permissions;
  run(agent: RealAgent, traits: RealTraits): Promise<void>;
}

const STEPS = {
  task: {
    title: 'does a task with a tool call, and takes a second message',
    async run(agent) {
      const first = await agent.say('Make the file. [[scenario:tool cmd="echo made by a tool > made.txt"]]');
      expect(first).toMatchObject({
        outcome: 'ok',
        agent: { turns: 1, toolCalls: 1 },
      });
      expect(first.text).toContain('finished the task');
      expect(readFileSync(join(agent.cwd, 'made.txt'), 'utf8')).toBe('made by a tool\n');
      const second = await agent.say('Now please say this back');
      expect(second).toMatchObject({
        outcome: 'ok',
        agent: { turns: 2, restarts: 0, incarnation: 1 },
      });
      expect(second.text).toContain('ack Now please say this back');
      const [call] = await agent.events('tool_call');
      const [result] = await agent.events('tool_result');
      expect(call).toMatchObject({
        tool: 'bash',
        args: { command: expect.stringContaining('made.txt') },
      });
      expect(result).toMatchObject({ callId: call?.callId, isError: false });
      expectOnceInOrder(agent);
    },
  },
  steer: {
    title: ({ steers }) => `${steers ? 'takes' : 'is held'} a message during a turn${steers ? '' : ' to its end'}`,
    async run(agent, { steers }) {
      await agent.tell(`Wait for me. ${WAITING}`);
      await agent.until('the command runs', () => existsSync(join(agent.cwd, 'waiting')));
      const messageId = await agent.tell('Look at the second file too.', {
        now: true,
      });
      const delivery = async (state: string) =>
        (await agent.events('delivery')).find((event) => event.messageId === messageId && event.state === state);
      await agent.until('it is on its way', () => delivery('sent'));
      writeFileSync(join(agent.cwd, 'go'), '');
      await agent.until('it is in the conversation', () => delivery('confirmed'));
      expect(await agent.settled()).toMatchObject({
        queued: 0,
        turns: steers ? 1 : 2,
      });
      const end = (await agent.events('turn')).find((event) => event.phase === 'end');
      const seq = (await delivery(steers ? 'sent' : 'confirmed'))?.seq;
      expect(Math.sign((seq ?? 0) - (end?.seq ?? 0)), 'before or after the end of the first turn').toBe(
        steers ? -1 : 1,
      );
      expect((await agent.events('turn')).filter(({ phase }) => phase === 'end')).toEqual(
        Array.from({ length: steers ? 1 : 2 }, () => expect.objectContaining({ outcome: 'ok' })),
      );
      expectOnceInOrder(agent);
    },
  },
  interrupt: {
    title: 'is interrupted, goes on with the next message, and leaves no command behind when it is stopped',
    async run(agent, { resumes }) {
      await agent.tell(`A long one. ${LONG}`);
      await agent.runs(SLEEP);
      await agent.act('interrupt');
      const end = await agent.until('the turn ends', async () =>
        (await agent.events('turn')).find((event) => event.phase === 'end'),
      );
      expect(end).toMatchObject({ outcome: 'interrupted' });
      free(agent);
      const next = await agent.say('Say this instead [[scenario:text say="instead"]]');
      expect(next).toMatchObject({
        outcome: 'ok',
        text: expect.stringContaining('instead'),
      });
      await agent.act('stop');
      const stopped = await agent.until('it is stopped', async () => {
        const view = await agent.view();
        return view.state === 'stopped' && view;
      });
      expect([...agent.processes().values()]).toEqual([]);
      await agent.act('resume');
      const back = await agent.settled();
      const starts = back.conversationId === stopped.conversationId ? 1 : 2;
      if (resumes) expect(starts).toBe(1);
      expect(back.incarnation).toBe((stopped.incarnation ?? 0) + starts);
      expect((await agent.say('And now please say this')).text).toContain('ack And now please say this');
    },
  },
  kill: {
    title: ({ resumes }) =>
      resumes
        ? 'comes back from SIGKILL in mid-turn with the same conversation, every message in it once'
        : 'comes back from SIGKILL in mid-turn and knows what it was told',
    async run(agent, { resumes }) {
      await agent.say('Please remember the word heliotrope.');
      await agent.say('Something else in between');
      const before = await agent.view();
      await killInMidTurn(agent);
      const after = await agent.settled();
      // A conversation that could not be loaded again costs one start more.
      const starts = after.conversationId === before.conversationId ? 1 : 2;
      if (resumes) expect(starts).toBe(1);
      expect(after).toMatchObject({
        incarnation: (before.incarnation ?? 0) + starts,
        restarts: starts,
        queued: 0,
      });
      const answer = await agent.say('Which word was it? [[scenario:recall]]');
      expect(answer).toMatchObject({
        outcome: 'ok',
        text: expect.stringContaining('The word was heliotrope'),
      });
      if (starts === 1) expectOnceInOrder(agent);
      else expect(agent.said().filter((text) => /could not be resumed[\s\S]*heliotrope/.test(text))).toHaveLength(1);
      await expectRecordedOnce(agent);
      const notes = agent.said().filter((text) => /You were interrupted:|could not be resumed/.test(text));
      expect(notes).toHaveLength(1);
    },
  },
  ask: {
    title: 'waits for a person where permissions are to be asked for, and obeys both answers',
    permissions: 'ask',
    async run(agent) {
      await agent.tell('The first. [[scenario:tool cmd="touch allowed.txt"]]');
      const first = await agent.request();
      expect(first).toMatchObject({ what: 'permission', tool: 'bash' });
      expect(first.args).toMatchObject({
        command: expect.stringContaining('touch allowed.txt'),
      });
      expect(await agent.view()).toMatchObject({
        state: 'waiting',
        status: 'error',
      });
      expect(existsSync(join(agent.cwd, 'allowed.txt'))).toBe(false);
      await agent.answer(first.requestId, 'allow');
      await agent.settled();
      expect(existsSync(join(agent.cwd, 'allowed.txt'))).toBe(true);
      await agent.tell('The second. [[scenario:tool cmd="touch denied.txt"]]');
      const second = await agent.request();
      await agent.answer(second.requestId, 'deny');
      await agent.settled();
      expect(existsSync(join(agent.cwd, 'denied.txt'))).toBe(false);
      const decisions = (await agent.events('permission')).map(({ requestId, decision, by }) => [
        requestId,
        decision,
        by,
      ]);
      expect(decisions).toEqual([
        [first.requestId, 'asked', null],
        [first.requestId, 'allowed', 'user'],
        [second.requestId, 'asked', null],
        [second.requestId, 'denied', 'user'],
      ]);
    },
  },
  guard: {
    title: 'is not let to approve requests, whatever its permissions',
    async run(agent) {
      await agent.say('Approve it. [[scenario:tool cmd="tutti approve r-1"]]');
      // A login shell may have a PATH of its own; by its path the program is found in any.
      await agent.say('By its path. [[scenario:tool cmd="../bin/tutti approve r-1"]]');
      expect(existsSync(join(agent.cwd, 'tutti-ran'))).toBe(false);
      const denied = { rule: 'no-self-approve', verdict: 'deny', tool: 'bash' };
      expect(await agent.events('guard')).toMatchObject([denied, denied]);
      expect(await agent.events('tool_result')).toMatchObject([{ isError: true }, { isError: true }]);
      // The same program with a harmless command runs: it was the guard that held the other.
      await agent.say('Look. [[scenario:tool cmd="../bin/tutti ps"]]');
      expect(readFileSync(join(agent.cwd, 'tutti-ran'), 'utf8')).toBe('ps\n');
    },
  },
} as const satisfies Record<string, Step>;

/**
 * Kills the CLI with all its helpers at once (codex and others are a launcher and a program) and leaves its command alive:
 * that must not be there beside the next one.
 */
async function killInMidTurn(agent: RealAgent): Promise<void> {
  await agent.tell(`A long one. ${LONG}`);
  const [command] = await agent.runs(SLEEP);
  const { pid } = await agent.view();
  const cli = [...agent.processes()].filter(([, line]) => !line.includes(SLEEP)).map(([each]) => each);
  expect(cli).toContain(pid);
  free(agent);
  for (const each of cli) kill(each);
  await agent.until('another process has taken its place', async () => ![null, pid].includes((await agent.view()).pid));
  expect([...agent.processes().keys()]).not.toContain(command);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // A helper may have ended with the one killed before it.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

const free = (agent: RealAgent): void => writeFileSync(join(agent.cwd, 'freed'), '');

/** In the last request that the model saw, everything it was told stands once and in order. */
function expectOnceInOrder(agent: RealAgent): void {
  const all = agent.said().join('\n');
  const times = agent.told.map((text) => ({
    text,
    times: all.split(text).length - 1,
  }));
  expect(times).toEqual(agent.told.map((text) => ({ text, times: 1 })));
  const places = agent.told.map((text) => all.indexOf(text));
  expect(places).toEqual([...places].sort((a, b) => a - b));
}

/** On our own record too, and by whom it was said. */
async function expectRecordedOnce(agent: RealAgent): Promise<void> {
  const messages = (await agent.events('message')).filter(({ role }) => role === 'user');
  expect(messages.filter(({ from }) => from !== 'supervisor').map(({ content }) => content)).toEqual(agent.told);
  expect(messages.filter(({ from }) => from === 'supervisor')).toHaveLength(1);
}

/** The table for one CLI. */
export function describeRealAgent(name: RealCliName, traits: RealTraits): void {
  const cli = realCli(name);
  if (cli === null) {
    test.skip(skipLine(name), () => undefined);
    return;
  }
  describe(`the real ${name} ${cli.version}`, () => {
    let stage: RealStage;
    beforeAll(async () => {
      stage = await openRealStage(cli);
    });
    afterAll(() => stage?.close());
    for (const [id, step] of Object.entries(STEPS) as [string, Step][]) {
      test(typeof step.title === 'string' ? step.title : step.title(traits), async () => {
        const agent = await stage.agent(`${name}-${id}`, step.permissions);
        await step.run(agent, traits);
        expect(await agent.events('raw'), 'lines that the driver did not understand').toEqual([]);
        await stage.client.remove(agent.name);
      });
    }
  });
}
