import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSnapshots } from '../../../src/system/store.ts';
import { bundleFixture } from '../../support/bundle.ts';
import { sampleState } from '../../support/sample-state.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { type TempHome, tempHome } from '../../support/temp-home.ts';
import { snapshotsSuite } from '../suites/snapshots.ts';

let home: TempHome;
let path: string;
beforeEach(() => {
  home = tempHome();
  path = home.paths.db;
});
afterEach(() => home.remove());

const beside = () => readdirSync(dirname(path)).filter((name) => name.includes('db.json'));
const large = (seq: number, bytes: number) => ({
  ...sampleState(seq),
  projects: { p: { hash: 'x'.repeat(bytes), config: {}, at: 'x' } },
});

describe('db.json', () => {
  snapshotsSuite(() => createSnapshots({ path }));

  it('is one line of JSON, 0600, and nothing lies beside it', async () => {
    await createSnapshots({ path }).save(sampleState(7));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(sampleState(7));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(beside()).toEqual(['db.json']);
  });

  const damaged = [
    { id: 'an empty file', text: '', why: 'not JSON' },
    { id: 'half a file', text: JSON.stringify(sampleState(1)).slice(0, 50), why: 'not JSON' },
    { id: 'another JSON', text: '{"v":1,"seq":"one"}', why: 'logId' },
    { id: 'a later version', text: JSON.stringify({ ...sampleState(1), v: 99 }), why: 'version 99' },
    {
      id: 'a version that cannot be read any more',
      text: JSON.stringify({ ...sampleState(1), v: 0 }),
      why: 'version 0',
    },
    {
      id: 'an agent without its parts',
      text: JSON.stringify({ ...sampleState(1), agents: { a: {} } }),
      why: 'agents.a',
    },
  ];
  it.each(damaged)('$id is put aside, and said', async ({ text, why }) => {
    writeFileSync(path, text);
    const { state, damage } = await createSnapshots({ path }).load();
    expect(state).toBeNull();
    expect(damage).toContain(why);
    const [aside] = beside();
    expect(aside).toMatch(/^db\.json\.damaged-/);
    expect(readFileSync(join(dirname(path), aside ?? ''), 'utf8')).toBe(text);
  });

  it('an older version is migrated', async () => {
    writeFileSync(path, JSON.stringify({ ...sampleState(3), v: 0 }));
    const migrations = { 0: (state: Record<string, unknown>) => ({ ...state, v: 1 }) };
    expect(await createSnapshots({ path, migrations }).load()).toEqual({ state: sampleState(3), damage: null });
  });

  it('temporary files of a killed writer are swept at the next load', async () => {
    writeFileSync(join(dirname(path), '.db.json.123.abcdef12.tmp'), 'half');
    await createSnapshots({ path }).load();
    expect(beside()).toEqual([]);
  });

  it('killed in the middle of writes, over and over, it always parses and only grows', async () => {
    const program = bundleFixture('store-writer', home.home);
    let seq = 0;
    for (let round = 0; round < 30; round++) {
      const child = spawn(process.execPath, [program, path, String(seq)], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = new Promise((done) => child.once('exit', done));
      let told = 0;
      await new Promise<void>((done) => {
        child.stdout.on('data', (data: Buffer) => {
          told = Number(data.toString().trim().split('\n').at(-1)) || told;
          if (told > seq + (round % 4)) done();
        });
      });
      child.kill('SIGKILL');
      await exited;
      const { state, damage } = await createSnapshots({ path }).load();
      expect(damage).toBeNull();
      expect(state?.seq).toBeGreaterThanOrEqual(told);
      seq = state?.seq ?? 0;
    }
  });

  it.skipIf(!smallDisk.available)(
    'on a full disk the old one stays whole, the failure has a type, and no temporary file is left',
    async () => {
      const disk = smallDisk.mount(join(home.home, 'small'), '2m');
      try {
        path = join(disk.path, 'db.json');
        const store = createSnapshots({ path });
        await store.save(large(1, 900_000));
        await expect(store.save(large(2, 1_500_000))).rejects.toMatchObject({ name: 'DiskFull' });
        expect(beside()).toEqual(['db.json']);
        expect((await createSnapshots({ path }).load()).state?.seq).toBe(1);
        await store.save(sampleState(3));
        expect((await createSnapshots({ path }).load()).state?.seq).toBe(3);
      } finally {
        disk.unmount();
      }
    },
  );

  it('a folder that is gone is an error, not a silence', async () => {
    rmSync(dirname(path), { recursive: true });
    await expect(createSnapshots({ path }).save(sampleState(1))).rejects.toThrow('ENOENT');
  });
});
