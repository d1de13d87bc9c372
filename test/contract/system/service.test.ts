/** The files of the service, read by the programs that will read them; and word to a manager that listens. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServicePlace, servicePlace } from '../../../src/system/service/place.ts';
import { fileState, removeServiceFile, servicePlan, writeServiceFile } from '../../../src/system/service/plan.ts';
import { serviceLink } from '../../../src/system/service/notify.ts';
import { tmuxScope } from '../../../src/system/service/scope.ts';
import { launcherOf, listenForWords, requirePrograms, unitValue, unitWord } from '../../support/service-manager.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-service-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Names that every reader of these files gets wrong somewhere. */
const HARD = [
  'plain',
  'with space',
  'per%cent %h',
  'dollar$HOME',
  'quote\'"s',
  'back\\slash',
  '<a> & b',
  '--dash--',
  'ünï',
];

function placeIn(name: string, change: { systemdVersion?: number; node?: string; main?: string } = {}): ServicePlace {
  const user = join(folder, name);
  mkdirSync(user, { recursive: true });
  return servicePlace({
    home: join(user, 'home'),
    env: { HOME: user, PATH: process.env['PATH'], LANG: `${name}` },
    node: process.execPath,
    main: join(user, 'dist/main.js'),
    systemdVersion: null,
    ...change,
  });
}

function install(place: ServicePlace, kind: 'systemd' | 'launchd') {
  const plan = servicePlan(kind, place);
  for (const file of plan.files) writeServiceFile(file);
  return plan;
}

/** systemd's own judgement: exit status and everything it says (unknown keys are only said). */
function verify(path: string): { status: number | null; said: string } {
  requirePrograms('systemd-analyze');
  const ran = spawnSync('systemd-analyze', ['verify', '--user', path], {
    env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: folder, HOME: folder },
    encoding: 'utf8',
  });
  return { status: ran.status, said: ran.stderr };
}

/** A plist as a real parser reads it. */
function plist(path: string): Record<string, unknown> {
  requirePrograms('python3');
  const program = 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))';
  return JSON.parse(execFileSync('python3', ['-c', program, path], { encoding: 'utf8', stdio: 'pipe' })) as Record<
    string,
    unknown
  >;
}

describe('the systemd unit', () => {
  it.each(HARD)('passes systemd’s verification in a home named %s', (name) => {
    const place = placeIn(name);
    const { main } = install(place, 'systemd');
    expect(verify(main.path)).toEqual({ status: 0, said: '' });
    const unit = readFileSync(main.path, 'utf8');
    expect(launcherOf(unit)).toBe(join(place.home, 'launcher'));
    expect(
      unit
        .split('\n')
        .filter((line) => line.startsWith('Environment='))
        .map((line) => unitWord(line.slice(12))),
    ).toContain(`LANG=${name}`);
  });

  it('would not pass with an unknown key, or without its program', () => {
    const { main } = install(placeIn('red'), 'systemd');
    writeFileSync(main.path, main.text.replace('KillMode=', 'KilMode='));
    expect(verify(main.path).said).toContain('KilMode');
    writeFileSync(main.path, main.text.replace('/bin/sh', '/bin/no-such-program'));
    expect(verify(main.path).status).not.toBe(0);
  });

  it('has what keeps the supervisor up and the agents out of it', () => {
    const { text } = servicePlan('systemd', placeIn('keys')).main;
    const values = [
      'Type',
      'NotifyAccess',
      'Restart',
      'KillMode',
      'WatchdogSec',
      'StartLimitIntervalSec',
      'OOMPolicy',
      'WantedBy',
    ];
    expect(values.map((key) => unitValue(text, key))).toEqual([
      'notify',
      'all',
      'always',
      'process',
      '180',
      '0',
      'continue',
      'default.target',
    ]);
  });

  it.each([
    { version: null, grows: false },
    { version: 252, grows: false },
    { version: 253, grows: false },
    { version: 254, grows: true },
    { version: 257, grows: true },
  ])('lets systemd $version grow the delay: $grows; else the supervisor does it', ({ version, grows }) => {
    const place = placeIn('grow', version === null ? {} : { systemdVersion: version });
    const { text } = servicePlan('systemd', place).main;
    expect(text.includes('RestartSteps=')).toBe(grows);
    expect(text.includes('RestartMaxDelaySec=60')).toBe(grows);
    expect(text.includes('Environment="TUTTI_MANAGED_DELAY=1"')).toBe(grows);
  });
});

describe('the launchd agents', () => {
  it.each(HARD)('are read back as they were meant in a home named %s', (name) => {
    const place = placeIn(name);
    const { main, files } = install(place, 'launchd');
    const launcher = join(place.home, 'launcher');
    expect(plist(main.path)).toMatchObject({
      Label: expect.stringMatching(/^dev\.tutti\.supervisor\.[0-9a-f]{8}$/),
      ProgramArguments: [launcher],
      EnvironmentVariables: { LANG: name, TUTTI_HOME: place.home },
      KeepAlive: { SuccessfulExit: false },
      RunAtLoad: true,
      AbandonProcessGroup: true,
      ThrottleInterval: 10,
      StandardErrorPath: join(place.home, 'log/service.log'),
    });
    expect(plist(files[2]?.path ?? '')).toMatchObject({ ProgramArguments: [launcher, 'check'], StartInterval: 300 });
  });

  it('would not be read with a tag that is not closed', () => {
    const { main } = install(placeIn('red'), 'launchd');
    writeFileSync(main.path, main.text.replace('</dict>', ''));
    expect(() => plist(main.path)).toThrow();
  });
});

describe('the files on disk', () => {
  it.each(['systemd', 'launchd'] as const)(
    'of %s are told apart from others’, written once, and removed if ours',
    (kind) => {
      const place = placeIn('files');
      const plan = servicePlan(kind, place);
      expect(plan.files.map((file) => fileState(file, place))).toEqual(plan.files.map(() => 'missing'));
      expect(plan.files.map(writeServiceFile)).toEqual(plan.files.map(() => true));
      expect(plan.files.map(writeServiceFile)).toEqual(plan.files.map(() => false));
      expect(plan.files.map((file) => fileState(file, place))).toEqual(plan.files.map(() => 'current'));
      const later = servicePlan(kind, { ...place, node: '/other/node', env: { ...place.env, TZ: 'UTC' } });
      expect(later.files.map((file) => fileState(file, place))).toEqual(later.files.map(() => 'outdated'));
      const other = placeIn('other');
      expect(plan.files.map((file) => fileState({ ...file, text: '' }, other))).toEqual(
        plan.files.map(() => 'foreign'),
      );
      writeFileSync(plan.main.path, '[Service]\nExecStart=/bin/true\n');
      expect(plan.files.map((file) => removeServiceFile(file, place))).toEqual(
        plan.files.map((file) => file !== plan.main),
      );
      expect(readFileSync(plan.main.path, 'utf8')).toContain('/bin/true');
    },
  );
});

describe('the launcher', () => {
  /** A Node that says how it was called. */
  function stubNode(path: string, { old = false } = {}): string {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\nif [ "$1" = -e ]; then exit ${old ? 1 : 0}; fi\necho "${path}: $*"; pwd\n`);
    chmodSync(path, 0o755);
    return path;
  }
  const run = (place: ServicePlace, path: string, ...args: string[]) => {
    const { files } = install(place, 'systemd');
    mkdirSync(dirname(place.main), { recursive: true });
    if (!place.main.includes('gone')) writeFileSync(place.main, '');
    return spawnSync(files[0]?.path ?? '', args, {
      env: { HOME: place.userHome, PATH: `${path}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
  };

  it.each(HARD)('becomes the supervisor of a home named %s', (name) => {
    const node = stubNode(join(folder, 'old place', 'node'));
    const place = placeIn(name, { node });
    expect(run(place, '').stdout).toBe(
      `${node}: ${place.main} supervisor run --service --home ${place.home} --json\n${place.home}\n`,
    );
    expect(run(place, '', 'check').stdout).toContain(`${place.main} supervisor check --home ${place.home} --json\n`);
  });

  it('leaves the order of PATH alone, and adds its Node only where there is none', () => {
    const node = join(folder, 'own', 'node');
    mkdirSync(dirname(node));
    writeFileSync(node, '#!/bin/sh\n[ "$1" = -e ] && exit 0\necho "$PATH"\n', { mode: 0o755 });
    const place = placeIn('path', { node });
    const { files } = install(place, 'systemd');
    mkdirSync(dirname(place.main), { recursive: true });
    writeFileSync(place.main, '');
    const path = (PATH: string) =>
      spawnSync('/bin/sh', [files[0]?.path ?? ''], {
        env: { HOME: place.userHome, PATH },
        encoding: 'utf8',
      }).stdout.trim();
    const tools = join(folder, 'tools');
    mkdirSync(tools);
    symlinkSync('/usr/bin/dirname', join(tools, 'dirname'));
    expect(path(tools)).toBe(`${tools}:${dirname(node)}`);
    stubNode(join(tools, 'node'));
    expect(path(tools)).toBe(tools);
  });

  it('finds another Node when that of the installation is gone or too old', () => {
    const later = stubNode(join(folder, 'later', 'node'));
    expect(run(placeIn('a', { node: join(folder, 'gone/node') }), dirname(later)).stdout).toMatch(`${later}: `);
    const old = stubNode(join(folder, 'old', 'node'), { old: true });
    expect(run(placeIn('b', { node: old }), dirname(later)).stdout).toMatch(`${later}: `);
  });

  it('finds one of a version manager', () => {
    const place = placeIn('nvm', { node: join(folder, 'gone/node') });
    const node = stubNode(join(place.userHome, '.nvm/versions/node/v22.1.0/bin/node'));
    stubNode(join(folder, 'path/node'), { old: true });
    // The machine's own Node may lie in one of the usual places, and be found first.
    expect(run(place, join(folder, 'path')).stdout).toMatch(/^\/\S+node: |^$/);
    expect(
      spawnSync('sh', ['-c', `ls "${place.userHome}"/.nvm/versions/node/*/bin/node`], {
        encoding: 'utf8',
      }).stdout.trim(),
    ).toBe(node);
  });

  it('finds tutti on PATH when its folder has moved', () => {
    const node = stubNode(join(folder, 'n', 'node'));
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'tutti'), '#!/bin/sh\necho "tutti: $*"\n', { mode: 0o755 });
    const place = placeIn('moved', { node, main: join(folder, 'gone/main.js') });
    expect(run(place, bin).stdout).toBe(`tutti: supervisor run --service --home ${place.home} --json\n`);
    const lost = run(place, '');
    expect(lost).toMatchObject({
      status: 127,
      stderr: expect.stringMatching(/main\.js is gone and tutti is not on PATH/),
    });
  });
});

describe('word to a manager', () => {
  it('arrives as systemd expects it, and the manager’s variables are taken out of the environment', async () => {
    const words: string[] = [];
    const socket = join(folder, 'notify.sock');
    const listener = await listenForWords(socket, (text) => words.push(text));
    try {
      const problems: string[] = [];
      const env: Record<string, string> = {
        PATH: process.env['PATH'] ?? '',
        NOTIFY_SOCKET: socket,
        WATCHDOG_USEC: '180000000',
        WATCHDOG_PID: String(process.pid),
        INVOCATION_ID: 'i',
      };
      const link = serviceLink(env, (text) => problems.push(text));
      expect(Object.keys(env)).toEqual(['PATH']);
      expect(link?.watchdogMs).toBe(180_000);
      await link?.ready('2 idle');
      await link?.alive('a line\nREADY=0');
      await link?.status('waits');
      await link?.stopping();
      expect(problems).toEqual([]);
      const real = words.filter((word) => word !== 'BARRIER=1').map((word) => word.trim());
      expect(real).toEqual([
        'READY=1\nSTATUS=2 idle',
        'WATCHDOG=1\nSTATUS=a line READY=0',
        'STATUS=waits',
        'STOPPING=1',
      ]);
    } finally {
      await listener.end();
    }
  });

  it('is not sought where none listens, and one that has gone is a problem and no end', async () => {
    expect(serviceLink({ PATH: '/bin' }, () => undefined)).toBeNull();
    const problems: string[] = [];
    const env = { PATH: process.env['PATH'] ?? '', NOTIFY_SOCKET: join(folder, 'nobody.sock') };
    await serviceLink(env, (text) => problems.push(text))?.ready('x');
    expect(problems).toEqual([expect.stringMatching(/^systemd cannot be told READY=1: /)]);
  });

  it('leaves a watchdog that is meant for another process alone', () => {
    const link = serviceLink({ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }, () => undefined);
    expect(link?.watchdogMs).toBeNull();
  });
});

describe('the scope of the tmux server', () => {
  const PROGRAMS = { 'systemd-run': 'exit 0', systemctl: 'echo "systemd 254 (254.1)"' };

  /** A user manager, as far as its socket and programs tell. */
  async function managed<T>(
    act: (env: Record<string, string>) => Promise<T>,
    programs: Record<string, string> = PROGRAMS,
  ): Promise<T> {
    const runtime = join(folder, 'runtime');
    mkdirSync(join(runtime, 'systemd'), { recursive: true });
    mkdirSync(join(folder, 'bin'), { recursive: true });
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    }
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(runtime, 'systemd/private'), done));
    try {
      return await act({ PATH: join(folder, 'bin'), XDG_RUNTIME_DIR: runtime });
    } finally {
      await new Promise((done) => server.close(done));
    }
  }
  const scope = (env: Record<string, string>, change: { isService?: boolean; lingering?: () => boolean | null } = {}) =>
    tmuxScope({
      env,
      socket: 'tutti-x',
      isService: true,
      onProblem: () => undefined,
      lingering: () => false,
      ...change,
    });

  it('is asked for as a service, with the command behind it and a policy for memory', async () => {
    const argv = await managed((env) => scope(env).wrap(['tmux', 'new-session']));
    expect(argv?.slice(0, 5)).toEqual(['systemd-run', '--user', '--scope', '--quiet', '--collect']);
    expect(argv?.[5]).toMatch(/^--unit=tutti-x-[0-9a-f]{8}\.scope$/);
    expect(argv?.slice(7)).toEqual(['--property=OOMPolicy=continue', '--', 'tmux', 'new-session']);
  });

  it('has no policy for memory where systemd knows none for scopes', async () => {
    const old = { ...PROGRAMS, systemctl: 'echo "systemd 252 (252.1)"' };
    const argv = await managed((env) => scope(env).wrap(['tmux']), old);
    expect(argv?.slice(7)).toEqual(['--', 'tmux']);
  });

  it.each([
    { id: 'with lingering', isService: false, lingering: true, scoped: true },
    {
      id: 'without it the manager ends with the login, and would take the agents along',
      isService: false,
      lingering: false,
      scoped: false,
    },
    { id: 'where nobody knows', isService: false, lingering: null, scoped: false },
    { id: 'as a service in any case', isService: true, lingering: false, scoped: true },
  ])('$id: $scoped', async ({ isService, lingering, scoped }) => {
    const argv = await managed((env) => scope(env, { isService, lingering: () => lingering }).wrap(['tmux']));
    expect(argv !== null).toBe(scoped);
  });

  it('is not asked for without a manager or without systemd-run', async () => {
    expect(
      await scope({ PATH: process.env['PATH'] ?? '', XDG_RUNTIME_DIR: join(folder, 'none') }).wrap(['tmux']),
    ).toBeNull();
    expect(await managed((env) => scope(env).wrap(['tmux']), {})).toBeNull();
  });
});
