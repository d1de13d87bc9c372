import { describe, expect, it } from 'vitest';
import { agentEnvironment, ownEnvironment, secretsAmong } from '../../../src/system/environment.ts';

const shell = {
  PATH: '/bin',
  HOME: '/h',
  LC_ALL: 'C',
  XDG_STATE_HOME: '/x',
  SSH_AUTH_SOCK: '/s',
  TZ: 'UTC',
  TUTTI_HOME: '/t',
  TUTTI_AGENT: '12345678/a/1',
  TUTTI_TEST_PROTOCOL: '2',
  TMUX: '/tmp/x',
  TMUX_TMPDIR: '/y',
  TMUX_PANE: '%1',
  CLAUDECODE: '1',
  CLAUDE_CODE_ENTRYPOINT: 'cli',
  NODE_OPTIONS: '--inspect',
  ANTHROPIC_API_KEY: 'sk-ant-xxxxxxxx',
  LESSKEY: 'x',
};

describe('environments', () => {
  it('an agent gets the allow-list and nothing else', () => {
    expect(Object.keys(agentEnvironment(shell)).sort()).toEqual([
      'HOME',
      'LC_ALL',
      'PATH',
      'SSH_AUTH_SOCK',
      'TZ',
      'XDG_STATE_HOME',
    ]);
  });

  it('our own processes get the allow-list, our own settings and their role: no marker, no secret, no TMUX, CLAUDE or NODE_OPTIONS', () => {
    const env = ownEnvironment(shell, 'tmux');
    expect(Object.keys(env).filter((name) => /AGENT|KEY|CLAUDE|^TMUX|NODE_/.test(name))).toEqual([]);
    expect(env).toMatchObject({ TUTTI_HOME: '/t', TUTTI_TEST_PROTOCOL: '2', TUTTI_ROLE: 'tmux' });
  });
});

describe('secretsAmong', () => {
  it('goes by name and length', () => {
    const secrets = secretsAmong({
      ANTHROPIC_API_KEY: '12345678',
      my_password: 'abcdefgh',
      GH_TOKEN: 'short',
      PATH: '/usr/bin:/bin',
      SECRET_X: undefined,
      AWS_CREDENTIALS: 'aaaaaaaaa',
    });
    expect(Object.keys(secrets).sort()).toEqual(['ANTHROPIC_API_KEY', 'AWS_CREDENTIALS', 'my_password']);
  });
});
