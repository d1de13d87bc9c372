import { describe, expect, it } from 'vitest';
import { serviceEnvironment, servicePlace } from '../../../../src/system/service/place.ts';

const options = { home: '/nowhere/home', node: '/opt/node', main: '/opt/tutti/dist/main.js', systemdVersion: 252 };

describe('the environment of a service', () => {
  it.each([
    ['keeps what programs are found by', { PATH: '/usr/bin:/bin', HOME: '/u' }, { PATH: '/usr/bin:/bin', HOME: '/u' }],
    [
      'keeps language and folders',
      { LANG: 'C', LC_ALL: 'C', XDG_CONFIG_HOME: '/c' },
      { LANG: 'C', LC_ALL: 'C', XDG_CONFIG_HOME: '/c' },
    ],
    [
      'keeps where our configuration is',
      { TUTTI_CONFIG: '/c.yaml', TUTTI_TMUX: 't' },
      { TUTTI_CONFIG: '/c.yaml', TUTTI_TMUX: 't' },
    ],
    ['drops relative and repeated folders of PATH', { PATH: '/a:.::node_modules/.bin:/b:/a' }, { PATH: '/a:/b' }],
    ['drops every key', { ANTHROPIC_API_KEY: 'sk-ant-0123456789abcdef', OPENAI_API_KEY: 'x', AWS_PROFILE: 'p' }, {}],
    ['drops a secret under an allowed beginning', { XDG_MY_TOKEN: 'abcdefgh', LC_PASSWORD: 'abcdefgh' }, {}],
    ['drops a value in the form of a secret', { LC_NOTE: 'sk-ant-0123456789abcdef0123' }, {}],
    [
      'drops what is of one login',
      { XDG_RUNTIME_DIR: '/run/user/1', XDG_SESSION_ID: '2', SSH_AUTH_SOCK: '/s', DISPLAY: ':0' },
      {},
    ],
    ['drops what would end a line', { LC_X: 'a\nExecStartPre=/bin/evil', TZ: 'UTC\r' }, {}],
    [
      'drops agents, tmux, claude and node options',
      { TUTTI_AGENT: 'a', TMUX: 't', CLAUDECODE: '1', NODE_OPTIONS: '--x', TUTTI_ROLE: 'h' },
      {},
    ],
    ['drops what the manager gives its own child', { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1', INVOCATION_ID: 'i' }, {}],
  ])('%s', (_id, env, kept) => {
    expect(serviceEnvironment(env)).toEqual(kept);
  });

  it('always names the home', () => {
    expect(servicePlace({ ...options, env: { HOME: '/u' } }).env).toEqual({ HOME: '/u', TUTTI_HOME: '/nowhere/home' });
  });
});

describe('the place of a service', () => {
  it('has the plain name for the home of a user without TUTTI_HOME alone', () => {
    const of = (home: string) => servicePlace({ ...options, home, env: { HOME: '/u' } }).isDefault;
    expect(of('/u/.local/state/tutti')).toBe(true);
    expect(of('/u/.local/state/tutti2')).toBe(false);
  });

  it('follows XDG_CONFIG_HOME, unless that is relative', () => {
    const of = (XDG_CONFIG_HOME: string) =>
      servicePlace({ ...options, env: { HOME: '/u', XDG_CONFIG_HOME } }).unitFolder;
    expect(of('/c')).toBe('/c/systemd/user');
    expect(of('c')).toBe('/u/.config/systemd/user');
  });

  it.each([
    ['a home with a line break', { home: '/tmp/a\nb' }, /control character/],
    ['a program with one', { main: '/tmp/a\u0007/main.js' }, /control character/],
    ['no HOME', { env: {} }, /HOME is not set/],
  ])('refuses %s', (_id, change, why) => {
    expect(() => servicePlace({ ...options, env: { HOME: '/u' }, ...change })).toThrow(why);
  });
});
