/** `tutti service` of the built program, with programs that play systemctl, loginctl and launchctl and write down what they are asked. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockOwner } from '../../src/system/lock.ts';
import { type Ran, type Row, type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

let home: TuttiHome;
/** Where the played programs lie, and what they were asked. */
let bin: string;
let asked: () => string[];
beforeEach(async () => {
  home = await tuttiHome();
  bin = join(home.home, 'played');
  mkdirSync(bin);
  const record = join(bin, 'asked');
  writeFileSync(record, '');
  asked = () => readFileSync(record, 'utf8').trim().split('\n');
  const show = join(bin, 'show');
  writeFileSync(
    show,
    'UnitFileState=\nActiveState=inactive\nMainPID=0\nExecMainCode=0\nExecMainStatus=0\nNRestarts=0\n',
  );
  const programs = {
    // `start` starts what the unit would: the launcher, without a parent that waits for it.
    systemctl: `case "$*" in
  --version) echo 'systemd 252 (252.1)' ;;
  *--property=Version*) echo Version=252 ;;
  *UnitFileState*) cat '${show}' ;;
  *' start '*) setsid '${join(home.home, 'launcher')}' </dev/null >/dev/null 2>&1 & ;;
esac`,
    loginctl: ':',
    launchctl: `case "$1 $2" in "print gui/"*/*) exit 113 ;; esac`,
  };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> '${record}'\n${text}\n`, { mode: 0o755 });
  }
});
afterEach(() => home.remove());

const run = (...args: string[]): Promise<Ran> =>
  home.run(['service', ...args], {
    env: { PATH: `${bin}:${process.env['PATH']}`, ANTHROPIC_API_KEY: 'sk-ant-secret-0123456789abcdef' },
  });
async function data(...args: string[]): Promise<Row> {
  const { json, stderr } = await run(...args, '--json');
  if (json.status !== 'ok') throw new Error(`${JSON.stringify(json)} ${stderr}`);
  return json.data;
}
const unitOf = (): string => join(home.env['HOME'] ?? '', '.config/systemd/user', `tutti-${home.home8}.service`);
const supervisor = (): number => lockOwner(home.paths.supervisorLock)?.pid ?? 0;

describe('tutti service install', () => {
  it('says what it writes, has it enabled and started, and no secret in it', async () => {
    const ran = await run('install');
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toContain(`wrote      ${join(home.home, 'launcher')}\nwrote      ${unitOf()}\n`);
    const name = `tutti-${home.home8}.service`;
    expect(asked()).toEqual(
      expect.arrayContaining([
        'systemctl --user daemon-reload',
        `systemctl --user enable ${name}`,
        `systemctl --user restart --no-block ${name}`,
      ]),
    );
    const text = readFileSync(unitOf(), 'utf8');
    expect(text).not.toContain('sk-ant');
    expect(text).not.toContain('ANTHROPIC');
    expect([statSync(unitOf()).mode & 0o777, statSync(join(home.home, 'launcher')).mode & 0o777]).toEqual([
      0o600, 0o700,
    ]);
  });

  it('changes nothing the second time, and starts none anew', async () => {
    await run('install');
    const again = await data('install');
    expect((again['files'] as Row[]).map(({ written }) => written)).toEqual([false, false]);
    expect(asked().at(-2)).toMatch(/systemctl --user start --no-block /);
  });

  it('leaves a file alone that is not ours (exit 4), and takes it with --force', async () => {
    mkdirSync(join(unitOf(), '..'), { recursive: true });
    writeFileSync(unitOf(), '[Service]\nExecStart=/bin/true\n');
    const refused = await run('install', '--json');
    expect(refused).toMatchObject({
      status: 4,
      json: { code: 'CONFLICT', message: expect.stringContaining(unitOf()) },
    });
    expect(readFileSync(unitOf(), 'utf8')).toBe('[Service]\nExecStart=/bin/true\n');
    expect(existsSync(join(home.home, 'launcher'))).toBe(false);
    expect((await run('install', '--force')).status).toBe(0);
    expect(readFileSync(unitOf(), 'utf8')).toContain('WatchdogSec=180');
  });

  it('has the supervisor that runs make room, and later commands ask the service for one', async () => {
    await home.data(['spawn', 'alice', '--task', 'hello', '--wait']);
    const before = await home.agent('alice');
    const first = supervisor();
    expect(await data('install')).toMatchObject({ takenOver: true });
    expect(supervisor()).toBe(0);
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    const listed = await home.run(['ps'], { env });
    expect(listed).toMatchObject({ status: 0, stdout: expect.stringMatching(/^alice /m) });
    expect(asked().at(-1)).toBe(`systemctl --user start --no-block tutti-${home.home8}.service`);
    const second = supervisor();
    expect(second).not.toBe(first);
    const command = readFileSync(`/proc/${second}/cmdline`, 'utf8').split('\0');
    expect(command).toEqual(expect.arrayContaining(['supervisor', 'run', '--service']));
    expect(await home.idle('alice')).toMatchObject({ pid: before.pid, incarnation: 1 });
    // Ended by a person, it is started through the service again.
    await home.run(['supervisor', 'restart'], { env });
    await waitFor('a third', () => ![0, second].includes(supervisor()));
    expect(asked().filter((line) => line.includes(' start '))).toHaveLength(2);
  });

  it('goes on without the service where that cannot start it, and says so', async () => {
    await run('install');
    const { status, stderr } = await home.run(['ps'], {
      env: { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: join(home.home, 'none') },
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^tutti-[0-9a-f]{8}\.service cannot be started \(.+\): starting a supervisor without it$/m);
  });

  it('asks logind for lingering only with --linger', async () => {
    await run('install');
    expect(asked().filter((line) => line.startsWith('loginctl'))).toEqual([]);
    const { linger } = await data('install', '--linger');
    expect(linger === true || asked().includes('loginctl enable-linger')).toBe(true);
  });

  it('without a user manager says why and what to do (exit 1), and writes nothing', async () => {
    writeFileSync(
      join(bin, 'systemctl'),
      '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "Failed to connect to bus" >&2\nexit 1\n',
    );
    chmodSync(join(bin, 'systemctl'), 0o755);
    const ran = await run('install');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(
      /cannot be reached; nothing was changed +\(RUNTIME_ERROR\)\n +why +Failed to connect to bus\n +fix +log in directly/,
    );
    expect(existsSync(unitOf()) || existsSync(join(home.home, 'launcher'))).toBe(false);
    expect(await data('status')).toMatchObject({ installed: false, manager: 'Failed to connect to bus', active: null });
  });

  it('writes both launchd agents and has them loaded', async () => {
    const label = `dev.tutti.supervisor.${home.home8}`;
    const { files, name } = await data('install', '--launchd');
    expect(name).toBe(label);
    expect((files as Row[]).map(({ path }) => path.split('/').at(-1))).toEqual([
      'launcher',
      `${label}.plist`,
      `${label}.outer.plist`,
    ]);
    const domain = `gui/${process.getuid?.()}`;
    expect(asked().filter((line) => /bootstrap|kickstart/.test(line))).toEqual([
      ...(files as Row[]).slice(1).map(({ path }) => `launchctl bootstrap ${domain} ${path}`),
      `launchctl kickstart ${domain}/${label}`,
    ]);
  });

  it('refuses both kinds at once (exit 2)', async () => {
    expect((await run('print', '--systemd', '--launchd')).status).toBe(2);
  });
});

describe('tutti service status', () => {
  it('tells what the manager knows, and which files are not as they would be written now', async () => {
    await run('install');
    writeFileSync(
      join(bin, 'show'),
      'UnitFileState=enabled\nActiveState=active\nMainPID=4711\nExecMainCode=2\nExecMainStatus=9\nNRestarts=3\n',
    );
    expect(await data('status')).toMatchObject({
      ...{
        installed: true,
        enabled: true,
        active: 'active',
        pid: 4711,
        lastExit: 'signal 9',
        restarts: 3,
        manager: null,
      },
      files: [{ state: 'current' }, { state: 'current' }],
    });
    writeFileSync(unitOf(), readFileSync(unitOf(), 'utf8').replace('WatchdogSec=180', 'WatchdogSec=1'));
    const { stdout } = await run('status');
    expect(stdout).toMatch(/^NAME +INSTALLED +ENABLED +ACTIVE +PID +LAST EXIT +RESTARTS +LINGER\n/);
    expect(stdout).toMatch(/ +yes +yes +active +4711 +signal 9 +3 +/);
    expect(stdout).toMatch(/^outdated +\S+\.service\n/m);
    expect(stdout).toContain('tutti service install');
  });
});

describe('tutti service uninstall', () => {
  it('removes what is ours, stops the service, and says when there is nothing', async () => {
    await run('install');
    const { removed } = await data('uninstall');
    expect(removed).toEqual([join(home.home, 'launcher'), unitOf()]);
    expect(asked()).toContain(`systemctl --user disable --now tutti-${home.home8}.service`);
    expect(existsSync(unitOf()) || existsSync(home.paths.serviceRecord)).toBe(false);
    const again = await run('uninstall');
    expect(again).toMatchObject({ status: 0, stdout: `tutti-${home.home8}.service was not installed\n` });
  });

  it('keeps a file that somebody else put in its place', async () => {
    await run('install');
    writeFileSync(unitOf(), '[Service]\nExecStart=/bin/true\n');
    expect(await data('uninstall')).toMatchObject({ removed: [join(home.home, 'launcher')], kept: [unitOf()] });
    expect(existsSync(unitOf())).toBe(true);
  });
});
