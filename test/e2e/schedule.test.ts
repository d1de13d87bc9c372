/** Check-ins on the built program: added by people, by a file and by agents, served once, across restarts of the supervisor. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockOwner } from '../../src/system/lock.ts';
import { startOf } from '../../src/system/proc/index.ts';
import { type Row, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
beforeAll(async () => {
  home = await tuttiHome();
  await home.run(['spawn', 'alice']);
  await home.idle('alice');
});
afterAll(() => home.remove());

const heard = async (name: string, text: string): Promise<string[]> =>
  (await home.said(name)).filter((line) => line.startsWith('user: ') && line.includes(text));
const list = async (): Promise<Row[]> => (await home.data(['schedule', 'ls']))['schedules'];

describe('schedule add', () => {
  it('--in wakes the agent once, with a message that says what it is', async () => {
    const ran = await home.run(['schedule', 'add', 'alice', '--in', '2s', 'is it green?']);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^alice-1 {2}next at \d{4}-/) });
    expect(await list()).toMatchObject([{ id: 'work.alice-1', agent: 'alice', by: 'user', next: expect.any(String) }]);
    await waitFor('alice was woken', async () => (await heard('alice', 'is it green?')).length > 0);
    expect(await heard('alice', 'is it green?')).toEqual([
      expect.stringMatching(
        /^user: Scheduled check-in "alice-1", asked for by the user, due at \S+Z\.\n\nis it green\?$/,
      ),
    ]);
    await home.idle('alice');
    expect(await list()).toEqual([]);
  });

  it('--cron comes again and again, also after the supervisor was started anew, until it is removed', async () => {
    await home.run(['schedule', 'add', 'alice', '--cron', '*/2 * * * * *', '--name', 'often', 'tick']);
    await waitFor('twice', async () => (await heard('alice', 'tick')).length >= 2);
    await home.run(['supervisor', 'restart']);
    const before = (await heard('alice', 'tick')).length;
    await waitFor('again', async () => (await heard('alice', 'tick')).length > before);
    expect((await home.run(['schedule', 'ls'])).stdout).toMatch(
      /^often +alice +cron \*\/2 \* \* \* \* \* +\d{4}-.* queued +tick$/m,
    );
    expect((await home.run(['schedule', 'rm', 'often'])).stdout).toBe('removed often\n');
    const slots = (await home.events()).flatMap((e) =>
      e.type === 'command' && e.verb === 'slot' ? [e.args?.['slot']] : [],
    );
    expect(new Set(slots).size).toBe(slots.length);
  });

  it('that was due while no supervisor ran is made up for once, and says so', async () => {
    await home.run(['schedule', 'add', 'alice', '--in', '1s', '--name', 'missed', 'you missed this']);
    const owner = lockOwner(home.paths.supervisorLock);
    if (!owner) throw new Error('no supervisor runs');
    process.kill(owner.pid, 'SIGKILL');
    await waitFor('the supervisor is gone', () => startOf(owner.pid) !== owner.start);
    await home.run(['ps']);
    await waitFor('it was made up for', async () => (await heard('alice', 'you missed this')).length > 0);
    await home.idle('alice');
    expect(await heard('alice', 'you missed this')).toHaveLength(1);
  });

  it.each([
    [['add', 'alice', 'no time'], 2, /one of --in, --at, --every and --cron/],
    [['add', 'alice', '--cron', '99 * * * *', 'x'], 2, /99/],
    [['add', 'alice', '--at', 'noon', 'x'], 2, /HH:MM/],
    [['add', 'alice', '--every', '5s', 'x'], 2, /everyMs|minute/],
    [['add', 'nobody', '--in', '1h', 'x'], 3, /nobody/],
    [['rm', 'nothing'], 3, /nothing/],
  ])('%j ends with %i', async (args, status, words) => {
    const ran = await home.run(['schedule', ...args]);
    expect(ran.status).toBe(status);
    expect(ran.stderr).toMatch(words);
  });
});

describe('an agent', () => {
  it('may ask to be woken itself, and not wake another that is not below it', async () => {
    await home.run(['spawn', 'bob']);
    const bob = await home.idle('bob');
    const env = { TUTTI_AGENT: `${home.home8}/${bob.id}/1` };
    const own = await home.run(['schedule', 'add', 'bob', '--in', '1h', 'look again'], { env });
    expect(own.status).toBe(0);
    expect(await list()).toMatchObject([{ by: 'bob', agent: 'bob' }]);
    const other = await home.run(['schedule', 'add', 'alice', '--in', '1h', 'wake up'], { env });
    expect(other).toMatchObject({ status: 7, stderr: expect.stringContaining('not below bob') });
    await home.run(['schedule', 'add', 'alice', '--in', '1h', '--name', 'mine', 'of the user']);
    expect((await home.run(['schedule', 'rm', 'mine'], { env })).status).toBe(7);
    expect((await home.run(['schedule', 'rm', 'bob-1', 'mine'])).status).toBe(0);
  });
});

describe('tutti.yaml', () => {
  it('declares check-ins, and takes them away', async () => {
    const file = join(home.work, 'tutti.yaml');
    appendFileSync(
      file,
      'agents: { carl: {} }\nschedules:\n  - { name: daily, agent: carl, cron: "0 9 * * 1-5", message: "What is next?" }\n',
    );
    expect((await home.run(['up'])).status).toBe(0);
    expect(await list()).toMatchObject([{ id: 'work.daily', by: 'config', declared: true, next: expect.any(String) }]);
    writeFileSync(file, 'version: 1\nproject: work\nschedules: [{ name: daily, agent: carl, message: x }]\n');
    const bad = await home.run(['config', 'check']);
    expect(bad).toMatchObject({ status: 2, stderr: expect.stringContaining('either cron or every') });
    writeFileSync(file, 'version: 1\nproject: work\n');
    expect((await home.run(['up'])).status).toBe(0);
    expect(await list()).toEqual([]);
  });
});
