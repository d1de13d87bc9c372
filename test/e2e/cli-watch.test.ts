/** Looking at agents on the command line of the built program: ps, show, why, logs, events; and answering what they ask. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent } from '../../src/client/index.ts';
import { MAIN, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

const FAKE_CLAUDE = join(import.meta.dirname, '../fixtures/fake-cli/claude.mjs');
const TASK = `Look at it. ${'A long task is not cut where nobody reads it on a screen. '.repeat(8)}[[scenario:multi n=2]]`;
const ESCAPE = /\x1b/;

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome({
    yaml: `  claude: { command: [${process.execPath}, ${FAKE_CLAUDE}], env: { ANTHROPIC_API_KEY: sk-not-a-real-key-1 } }\n`,
  });
  await home.data(['spawn', 'alice', '--task', TASK, '--wait']);
});
afterAll(() => home.remove());

describe('ps', () => {
  it('is a table for people, with nothing cut where it is piped', async () => {
    const ran = await home.run(['ps']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    const [head, row] = ran.stdout.split('\n');
    expect(head).toMatch(/^NAME +STATE +QUIET +CLI +CTX +TOKENS +COST \$ +RST +QUEUE +WHY OR TASK$/);
    expect(row).toMatch(/^alice +○ idle +\S+ +tutti /);
    expect(row).toContain(TASK.replaceAll(/\s+/g, ' '));
    expect(ran.stdout).not.toMatch(ESCAPE);
    const plain = await home.run(['ps'], { env: { LANG: 'C' } });
    expect(plain.stdout).toMatch(/^alice +o idle/m);
  });

  it('is one document for programs, and ids alone where they are asked for', async () => {
    const data = await home.data(['ps']);
    expect(data).toMatchObject({ recovering: false, problems: [], agents: [{ name: 'alice', task: TASK }] });
    const { id } = await home.agent('alice');
    expect(await home.run(['ps', '-q'])).toMatchObject({ status: 0, stdout: `${id}\n` });
    expect((await home.run(['ps', '--wide'])).stdout).toContain(home.work);
  });
});

describe('show and why', () => {
  it('show tells every fact, and how to attach by hand', async () => {
    const ran = await home.run(['show', 'alice']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^state +idle \(wanted up\)$/m);
    expect(ran.stdout).toContain(`tmux -L ${home.tmuxSocket} attach -t '=alice'`);
    const { id } = await home.agent('alice');
    expect(await home.data(['show', id])).toMatchObject({ id, name: 'alice', toolCalls: 2 });
  });

  it('why tells the causes, the newest first', async () => {
    const ran = await home.run(['why', 'alice']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^alice is idle\n/);
    expect(ran.stdout).toMatch(/turn 1 ended: ok.*turn 1 began.*it was declared by user/s);
    const why = await home.data(['why', 'alice']);
    expect(why).toMatchObject({ agent: 'alice', state: 'idle', chain: expect.any(Array) });
  });
});

describe('logs', () => {
  it('is a transcript: one line for each call, with object, result and duration', async () => {
    const ran = await home.run(['logs', 'alice']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    const lines = ran.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d you {7}Look at it\./);
    const calls = lines.filter((line) => / Bash /.test(line));
    expect(calls).toHaveLength(2);
    for (const [i, line] of calls.entries())
      expect(line).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d Bash {6}echo step ${i + 1}; sleep 0 {2,}\\d+\\.\\ds$`));
    expect(lines).toContain(`${' '.repeat(17)}│ step 1`);
    expect(lines.at(-1)).toMatch(/ alice {5}All done\./);
    expect(ran.stdout).not.toMatch(ESCAPE);
    expect(ran.stdout).not.toMatch(/[{}]/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(TASK.length + 40);
  });

  it('in JSON are its events, one a line', async () => {
    const { lines } = await home.run(['logs', 'alice', '--json']);
    expect(lines.filter((event) => event['type'] === 'tool_result')).toHaveLength(2);
    expect(lines.every((event) => event['agent'] === 'alice')).toBe(true);
  });

  it("--raw are the CLI's own lines", async () => {
    const { lines } = await home.run(['logs', 'alice', '--raw']);
    expect(lines[0]).toMatchObject({ type: 'session' });
    expect(lines.filter((line) => line['type'] === 'tool_call')).toHaveLength(2);
    const both = await home.run(['logs', 'alice', '--raw', '--json']);
    expect(new Set(both.lines.map((line) => line['dir']))).toEqual(new Set(['in', 'out']));
  });

  it('--event is one event in full, however long it is', async () => {
    await home.run(['send', 'alice', '[[scenario:big]]', '--wait']);
    const results = (await home.events('alice')).filter((event) => event.type === 'tool_result');
    const last = results.at(-1);
    if (last?.type !== 'tool_result') throw new Error('no result');
    expect(last.result.length).toBeLessThan(5_000);
    const ran = await home.run(['logs', 'alice', '--event', String(last.seq)]);
    const whole = JSON.parse(ran.stdout) as { result: string };
    expect(whole.result.length).toBeGreaterThan(last.result.length);
    expect(whole.result).toContain('\n');
    const text = await home.run(['logs', 'alice']);
    expect(text.stdout).toContain(`more lines: tutti logs alice --event ${last.seq}`);
    expect((await home.run(['logs', 'alice', '--event', '999999'])).status).toBe(3);
    expect((await home.run(['logs', 'alice', '--event', 'x'])).status).toBe(2);
  });

  it('-f goes on with what happens, until it is told to end', async () => {
    const following = home.start(['logs', 'alice', '-f']);
    const raw = home.start(['logs', 'alice', '--raw', '-f']);
    await following.line('the past', (line) => line.includes('Look at it.'));
    await raw.line('the past', (line) => line.includes('"session"'));
    await home.run(['send', 'alice', 'are you followed?']);
    await following.line('the answer', (line) => line.endsWith('ack are you followed?'));
    await raw.line('the answer', (line) => line.includes('ack are you followed?'));
    for (const running of [following, raw])
      expect(await running.end('SIGINT')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('events', () => {
  it('is the whole log, in order and without a gap', async () => {
    const ran = await home.run(['events']);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.lines.map((event) => event['seq'])).toEqual(ran.lines.map((_, i) => i + 1));
    expect(ran.lines.every((event) => !Number.isNaN(Date.parse(event['at'])))).toBe(true);
    const json = await home.run(['events', '--json']);
    expect(json.lines.slice(0, ran.lines.length)).toEqual(ran.lines);
  });

  it('is filtered by agent, type, seq and time', async () => {
    const turns = await home.run(['events', 'alice', '--type', 'turn', '--type', 'tool_call']);
    expect(new Set(turns.lines.map((event) => event['type']))).toEqual(new Set(['turn', 'tool_call']));
    const third = turns.lines[2];
    const later = await home.run([
      'events',
      '--type',
      'turn',
      '--type',
      'tool_call',
      '--since',
      String(third?.['seq']),
    ]);
    expect(later.lines).toEqual(turns.lines.slice(3));
    const timed = await home.run(['events', '--type', 'turn', '--since', String(third?.['at'])]);
    expect(timed.lines.length).toBeGreaterThan(0);
    expect(timed.lines.every((event) => event['at'] >= third?.['at'])).toBe(true);
    expect((await home.run(['events', '--since', '2099-01-01T00:00:00Z'])).stdout).toBe('');
  });

  it('-f shows what comes; a reader that leaves ends it quietly', async () => {
    const following = home.start(['events', 'alice', '--type', 'message', '-f']);
    await following.line('the past', (line) => line.includes('Look at it.'));
    await home.run(['send', 'alice', 'seen live']);
    await following.line('the answer', (line) => line.includes('ack seen live'));
    expect(await following.end('SIGINT')).toMatchObject({ status: 0 });

    const reader = spawn(process.execPath, [MAIN, 'events'], {
      env: home.env,
      cwd: home.work,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    reader.stdout.once('data', () => reader.stdout.destroy());
    let complaint = '';
    reader.stderr.on('data', (text: Buffer) => {
      complaint += text.toString();
    });
    const status = await new Promise((resolve) => reader.once('close', resolve));
    expect({ status, complaint }).toEqual({ status: 0, complaint: '' });
  });
});

describe('an agent that has to ask', () => {
  const asking = (name: string): Promise<Agent> => home.until(name, (agent) => agent.state === 'waiting', 'waiting');
  const write = (file: string) => `Do it. [[scenario:tool cmd="echo yes > ${file}"]]`;

  it('waits, says what for, and goes on when it is approved', async () => {
    const ran = await home.run(['spawn', 'asker', '--permissions', 'ask', '--task', write('approved.txt'), '--wait']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^asker {2}WAITING/) });
    const agent = await asking('asker');
    expect(agent).toMatchObject({
      status: 'error',
      phase: 'working',
      reason: expect.any(String),
      hint: expect.any(String),
    });
    expect(existsSync(join(home.work, 'approved.txt'))).toBe(false);
    expect((await home.run(['ps'])).stdout).toMatch(
      /^asker +▲ WAITING .* permission: bash: echo yes > approved\.txt$/m,
    );
    expect((await home.run(['show', 'asker'])).stdout).toMatch(
      /^asks +bash: echo yes > approved\.txt {2}\(request \S+\)$/m,
    );
    const approved = await home.run(['approve', 'asker']);
    expect(approved).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^approved asker: bash: echo yes > approved\.txt\n$/),
    });
    await home.idle('asker');
    expect(readFileSync(join(home.work, 'approved.txt'), 'utf8')).toBe('yes\n');
  });

  it('is seen by its colour, where colour is wanted', async () => {
    await home.run(['send', 'asker', write('colour.txt')]);
    await asking('asker');
    const run = (env: Record<string, string>, ...args: string[]) => home.run(['ps', ...args], { env });
    const [forced, no, always, never] = await Promise.all([
      run({ FORCE_COLOR: '1' }),
      run({ FORCE_COLOR: '1', NO_COLOR: '1' }),
      run({ NO_COLOR: '1' }, '--color', 'always'),
      run({ FORCE_COLOR: '1' }, '--color=never'),
    ]);
    expect(always.stdout).toMatch(ESCAPE);
    expect(forced.stdout).toMatch(ESCAPE);
    for (const ran of [no, never]) expect(ran.stdout).not.toMatch(ESCAPE);
    expect((await home.run(['--color', 'always', 'ps'])).stdout).toMatch(ESCAPE);
    await home.run(['approve', 'asker']);
    await home.idle('asker');
  });

  it('is told why it was denied', async () => {
    await home.run(['send', 'asker', write('denied.txt')]);
    await asking('asker');
    const [request] = await (await home.client()).requests();
    const ran = await home.run(['deny', request?.requestId ?? '', '--reason', 'not in this folder', '--json']);
    expect({ status: ran.status, answer: ran.json.status }).toEqual({ status: 0, answer: 'ok' });
    await home.idle('asker');
    expect(existsSync(join(home.work, 'denied.txt'))).toBe(false);
    const { conversation = '' } = home.model.requests().at(-1) ?? {};
    expect(home.model.messages(conversation).some(({ text }) => text.includes('not in this folder'))).toBe(true);
    const decisions = (await home.events('asker')).flatMap((e) =>
      e.type === 'permission' ? [`${e.decision} ${e.by}`] : [],
    );
    expect(decisions.at(-1)).toMatch(/^denied user/);
  });

  it('is not answered when it does not ask', async () => {
    for (const args of [
      ['approve', 'asker'],
      ['deny', 'nobody'],
      ['answer', 'asker', 'yes'],
    ]) {
      const ran = await home.run(args);
      expect(ran.status).toBe(3);
      expect(ran.stderr).toMatch(/nothing open for \w+ {2}\(NOT_FOUND\)\n {2}fix {3}no agent waits for an answer/);
    }
  });

  it('gets an answer to its question', async () => {
    await home.run(['spawn', 'curious', '--cli', 'claude', '--permissions', 'auto', '--task', 'question Which way?']);
    const agent = await asking('curious');
    expect(agent.reason).toContain('Which way?');
    expect(await home.run(['approve', 'curious'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/is a question {2}\(INVALID_ARGUMENT\)\n {2}fix {3}tutti answer \S+ TEXT/),
    });
    const ran = await home.run(['answer', 'curious', 'to', 'the', 'left']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^answered curious: Which way\?/) });
    await home.idle('curious');
    expect(await home.said('curious')).toContain('assistant: answer given');
  });

  it('is not helped by another agent', async () => {
    await home.run(['send', 'asker', write('self.txt')]);
    const { id, incarnation } = await asking('asker');
    const env = { TUTTI_AGENT: `${home.home8}/${id}/${incarnation}` };
    const self = await home.run(['approve', 'asker'], { env });
    expect(self).toMatchObject({ status: 7, stderr: expect.stringContaining('(DENIED)') });
    const others = await Promise.all([
      home.run(['stop', 'alice'], { env }),
      home.run(['down', '--all'], { env }),
      home.run(['rm', 'alice', '--yes'], { env }),
    ]);
    for (const ran of others) expect(ran.status).toBe(7);
    expect((await home.run(['ps'], { env })).status).toBe(0);
    await home.run(['interrupt', 'asker']);
    await waitFor('the request has lapsed', async () => (await (await home.client()).requests()).length === 0);
    await home.idle('asker');
  });
});
