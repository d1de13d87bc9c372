/** `up` and `down` on the built program: what tutti.yaml declares, brought about, and nothing else touched. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectYaml, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
/** Another project in the same home. */
let other: string;
beforeAll(async () => {
  home = await tuttiHome();
  other = join(dirname(home.home), 'other');
  mkdirSync(other);
});
afterAll(() => home.remove());

const declare = (agents: string, cwd = home.work, project = 'work'): void =>
  writeFileSync(
    join(cwd, 'tutti.yaml'),
    `${projectYaml(home.model).replace('project: work', `project: ${project}`)}agents:\n${agents}\n`,
  );

describe('up', () => {
  it('starts what is declared, and the supervisor first', async () => {
    declare('  alice: { task: say hello, role: builder }\n  bob: { permissions: ask }\n  carol: { wanted: down }');
    const ran = await home.run(['up']);
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toMatch(/^created {3}alice bob carol\n\nNAME +STATE/);
    await Promise.all([home.idle('alice'), home.idle('bob')]);
    expect(await home.agent('alice')).toMatchObject({ project: 'work', role: 'builder', turns: 1, cwd: home.work });
    expect(await home.agent('bob')).toMatchObject({ permissions: 'ask', turns: 0 });
    expect(await home.agent('carol')).toMatchObject({ state: 'stopped', wanted: 'down', pid: null });
  });

  it('done twice changes nothing', async () => {
    const { pid } = await home.agent('alice');
    const data = await home.data(['up']);
    expect(data).toMatchObject({
      created: [],
      changed: [],
      unchanged: ['alice', 'bob', 'carol'],
      undeclared: [],
      pruned: [],
    });
    expect(await home.agent('alice')).toMatchObject({ pid, turns: 1, incarnation: 1 });
  });

  it('brings about what changed, from a folder below too, and leaves the rest alone', async () => {
    const bob = await home.agent('bob');
    declare('  alice: { task: say hello, role: reviewer }\n  bob: { permissions: ask }\n  dave: {}');
    const below = join(home.work, 'below');
    mkdirSync(below);
    const ran = await home.run(['up'], { cwd: below });
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(
      /created +dave\nchanged +alice\nunchanged bob\nleft +carol: no longer declared; tutti up --prune stops/,
    );
    await home.until('alice', (agent) => agent.role === 'reviewer' && agent.state === 'idle');
    expect(await home.agent('bob')).toMatchObject({ pid: bob.pid });
    expect(await home.agent('dave')).toMatchObject({ cwd: home.work });
  });

  it('--prune stops what is no longer declared, and keeps it', async () => {
    declare('  alice: { task: say hello, role: reviewer }\n  bob: { permissions: ask }');
    const data = await home.data(['up', '--prune']);
    expect(data['pruned']).toEqual(['dave']);
    expect(await home.until('dave', (agent) => agent.state === 'stopped')).toMatchObject({ wanted: 'down', pid: null });
  });

  it('of a named file is that file', async () => {
    writeFileSync(join(home.work, 'team.yaml'), `${projectYaml(home.model)}agents: { eve: {} }\n`);
    const data = await home.data(['up', 'team.yaml']);
    expect(data).toMatchObject({ project: 'work', created: ['eve'] });
    await home.idle('eve');
    expect((await home.run(['up', 'no.yaml'])).status).toBe(3);
  });

  it('does not take a name from another project, and says whose it is', async () => {
    declare('  alice: {}', other, 'other');
    const ran = await home.run(['up'], { cwd: other });
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/the name alice belongs to project work {2}\(CONFLICT\)/);
    declare('  frank: {}', other, 'other');
    expect((await home.run(['up'], { cwd: other })).status).toBe(0);
    await home.idle('frank');
  });

  it('keeps the values of variables, and says which one a shell lacks', async () => {
    const secret = 'sk-a-secret-of-this-test';
    declare('  frank: { env: { MY_TOKEN: "${MY_TOKEN}" } }', other, 'other');
    const missing = await home.run(['up'], { cwd: other });
    expect(missing).toMatchObject({ status: 2, stderr: expect.stringContaining('agent frank needs ${MY_TOKEN}') });
    expect((await home.run(['up'], { cwd: other, env: { MY_TOKEN: secret } })).status).toBe(0);
    expect((await home.run(['up'], { cwd: other })).status).toBe(0);
    await home.run(['restart', 'frank']);
    await home.idle('frank');
    await home.run(['send', 'frank', '[[scenario:tool cmd="echo is $MY_TOKEN here"]]', '--wait']);
    const shown = await home.run(['logs', 'frank']);
    expect(shown.stdout).toContain('is «secret:MY_TOKEN» here');
    const everything = JSON.stringify(await home.events());
    expect(everything).not.toContain(secret);
    const told = await home.run(['send', 'frank', `use ${secret}`]);
    expect(told.status).not.toBe(0);
    expect(told.stderr).toContain('secret');
  });

  it('with a file that is wrong touches nothing', async () => {
    const before = (await home.events()).length;
    declare('  alice: { role: 5 }');
    expect((await home.run(['up'])).status).toBe(2);
    declare('  alice: { cwd: no/such/folder }');
    expect(await home.run(['up'])).toMatchObject({ status: 2, stderr: expect.stringContaining('does not exist') });
    expect((await home.events()).length).toBe(before);
  });
});

describe('down', () => {
  it("stops this project's agents alone", async () => {
    declare('  alice: {}');
    const ran = await home.run(['down']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^stopped alice bob eve\n$/);
    expect(await home.agent('alice')).toMatchObject({ state: 'stopped', pid: null });
    expect(await home.agent('frank')).toMatchObject({ state: 'idle', wanted: 'up' });
  });

  it('up brings them back, with what they know', async () => {
    const before = await home.agent('alice');
    declare('  alice: { task: say hello, role: reviewer }');
    await home.run(['up']);
    expect(await home.idle('alice')).toMatchObject({ conversationId: before.conversationId, wanted: 'up' });
  });

  it('takes the supervisor along when no agent is left, and --all leaves nothing alive', async () => {
    await home.run(['send', 'alice', '[[scenario:tool cmd="sleep 1000 & setsid sleep 1001 & sleep 1002"]]']);
    await home.until('alice', (agent) => agent.toolCalls > 0 && agent.state === 'working');
    const data = await home.data(['down', '--all']);
    expect(data).toMatchObject({ supervisorStops: true });
    expect(data['stopped'].toSorted()).toEqual(['alice', 'frank']);
    await waitFor('nothing of the home lives', () => home.alive().length === 0);
    expect((await home.run(['supervisor', 'status'])).status).toBe(5);
    const again = await home.run(['down']);
    expect(again).toMatchObject({ status: 0, stdout: expect.stringMatching(/^no agent was running/) });
    await waitFor('nothing of the home lives', () => home.alive().length === 0);
  });
});

describe('up --foreground', () => {
  it('is the supervisor itself until it is told to end; agents keep running', async () => {
    const running = home.start(['up', '--foreground']);
    await running.line('the table', (line) => /^alice +/.test(line));
    const agent = await home.idle('alice');
    const health = await (await home.client()).health();
    expect(health.pid).toBe(running.pid);
    expect(await home.run(['up', '--foreground'])).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('(CONFLICT)'),
    });
    expect(await running.end('SIGINT')).toMatchObject({ status: 0 });
    expect((await home.run(['supervisor', 'status'])).status).toBe(5);
    await home.run(['ps']);
    expect(await home.idle('alice')).toMatchObject({ pid: agent.pid });
    await home.run(['down', '--all']);
  });
});
