import { describe, expect, it } from 'vitest';
import {
  AGENTS_ADVISED,
  ANTIPATTERNS,
  type AntipatternId,
  lint,
  type LintAgent,
  type LintInput,
  NOT_JUDGED,
} from '../../../../src/core/config/lint.ts';
import type { Settings } from '../../../../src/core/step.ts';
import { DEFAULTS } from '../../../../src/core/config/settings.ts';

const agent = (name: string, change: Partial<LintAgent> = {}): LintAgent => ({
  name,
  cli: 'claude',
  model: null,
  role: null,
  parent: null,
  cwd: `/repo/${name}`,
  worktree: false,
  permissions: 'auto',
  restart: 'transient',
  resumes: true,
  fallback: [],
  ...change,
});

/** Nothing is wrong with it. */
const GOOD: LintInput = {
  agents: [agent('alice'), agent('bob', { cli: 'codex' }), agent('carol', { parent: 'alice' })],
  settings: DEFAULTS,
  rulesFolder: '/repo/rules',
};

const of = (agents: LintAgent[], change: Partial<LintInput> = {}): LintInput => ({ ...GOOD, agents, ...change });

/** One configuration that is bad in this way and in no other. */
const BAD: Record<AntipatternId, [LintInput, RegExp]> = {
  'no-watchdog': [
    { ...GOOD, settings: { ...DEFAULTS, limit: { ...DEFAULTS.limit, capMs: 86_400_000 } } },
    /watchdog\.limit\.cap is 1d/,
  ],
  'unbounded-retry': [
    { ...GOOD, settings: { ...DEFAULTS, restarts: { max: 1_000, withinMs: 600_000 } } },
    /allows 1000 within 10m, 6000 an hour/,
  ],
  'no-resume': [of([agent('alice', { restart: 'temporary' })]), /temporary.*alice/],
  'no-gates': [of([agent('alice', { permissions: 'bypass' })]), /bypass: alice/],
  'writable-rules': [of([agent('alice', { cwd: '/repo' })]), /\/repo\/rules can be written by alice/],
  'shared-workspace': [of([agent('alice'), agent('bob', { cwd: '/repo/alice' })]), /\/repo\/alice: alice, bob/],
  'single-orchestrator': [
    of([agent('head', { role: 'lead' }), agent('a', { parent: 'head' }), agent('b', { parent: 'head', cli: 'codex' })]),
    /head alone is over a, b/,
  ],
  'too-many-agents': [
    of(Array.from({ length: AGENTS_ADVISED + 1 }, (_, i) => agent(`a${i}`, { cli: i === 0 ? 'codex' : 'claude' }))),
    /26 agents/,
  ],
  'one-vendor': [
    of([agent('a'), agent('b'), agent('c', { cli: 'opencode', model: 'anthropic/claude-sonnet-5' })]),
    /all 3 agents need Anthropic/,
  ],
};

describe('a configuration', () => {
  it('without a known danger gives no warning', () => expect(lint(GOOD)).toEqual([]));

  it.each(Object.keys(ANTIPATTERNS) as AntipatternId[])(
    'that is bad by %s is warned of for that and nothing else',
    (id) => {
      const [input, found] = BAD[id];
      expect(lint(input)).toEqual([
        { id, found: expect.stringMatching(found), why: ANTIPATTERNS[id].why, mend: ANTIPATTERNS[id].mend },
      ]);
    },
  );

  it.each<[string, LintAgent[]]>([
    [
      'a second lead',
      [
        agent('head', { role: 'lead' }),
        agent('other', { role: 'lead', cli: 'codex' }),
        agent('a', { parent: 'head' }),
        agent('b', { parent: 'head' }),
      ],
    ],
    [
      'a lead with a fallback',
      [
        agent('head', { fallback: [{ cli: 'codex', model: null }] }),
        agent('a', { parent: 'head' }),
        agent('b', { parent: 'head' }),
      ],
    ],
    [
      'a fallback to another vendor',
      [agent('a', { fallback: [{ cli: 'codex', model: null }] }), agent('b'), agent('c')],
    ],
    ['a model that tells no vendor', [agent('a', { cli: 'opencode', model: 'local/llama' }), agent('b'), agent('c')]],
    ['a small team of one vendor', [agent('a'), agent('b')]],
    ['agents that ask before they write the rules', [agent('a', { cwd: '/repo', permissions: 'ask' })]],
    ['a folder whose name only begins like that of the rules', [agent('a', { cwd: '/rep' })]],
  ])('with %s is not warned of', (_, agents) => expect(lint(of(agents))).toEqual([]));

  it.each<[string, Partial<Settings>, RegExp]>([
    ['a stall', { stall: { ...DEFAULTS.stall, restartAfterMs: 86_400_000 } }, /stall\.restartAfter is 1d/],
    ['a tool', { stall: { ...DEFAULTS.stall, toolLimitMs: 28_800_000 } }, /stall\.toolLimit is 8h/],
    ['the patrol', { patrol: { ...DEFAULTS.patrol, everyMs: 0 } }, /patrol\.every is 0/],
  ])('whose watchdog does not look at %s is warned of', (_what, change, found) => {
    expect(lint({ ...GOOD, settings: { ...DEFAULTS, ...change } })).toMatchObject([
      { id: 'no-watchdog', found: expect.stringMatching(found) },
    ]);
  });

  it('with a CLI that cannot resume is warned of by the name of the CLI', () => {
    expect(lint(of([agent('alice', { cli: 'aider', resumes: false })]))[0]?.found).toMatch(/alice \(aider\)/);
  });

  it('that counts on worktrees is told that this version makes none', () => {
    const shared = [agent('alice', { worktree: true, cwd: '/w' }), agent('bob', { worktree: true, cwd: '/w' })];
    expect(lint(of(shared))[0]?.found).toMatch(/does not make worktrees yet/);
  });

  it('is not said to be free of what cannot be judged', () => {
    expect(Object.keys(NOT_JUDGED).filter((id) => id in ANTIPATTERNS)).toEqual([]);
    expect(Object.keys(NOT_JUDGED).length + Object.keys(ANTIPATTERNS).length).toBe(14);
  });
});
