import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { shown } from '../../../src/agents/chat.ts';
import { runAgentProcess } from '../../../src/agents/process.ts';
import type { AgentOutput } from '../../../src/drivers/builtin/wire.ts';
import { type Bench, bench } from './support.ts';

let it: Bench | null = null;
afterEach(async () => {
  await it?.close();
  it = null;
});

const text = (stream: PassThrough) => String(stream.read() ?? '');

async function run(argv: string[], input = '') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const code = await runAgentProcess(argv, { cwd: it?.cwd ?? '/', version: '1.2.3', stdin, stdout, stderr });
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

describe('tutti agent', () => {
  const wrong = [
    { argv: [], why: 'no agent (none named)' },
    { argv: ['v9', 'x'], why: 'no agent v9' },
    { argv: ['v1'], why: 'a prompt is missing' },
    { argv: ['v1', '--stdio', 'x'], why: '--stdio takes no prompt' },
    { argv: ['v1', '--stdio', '--chat'], why: 'not both' },
    { argv: ['v1', '--nope', 'x'], why: '--nope' },
    { argv: ['v1', '--resume', 'c', 'x'], why: '--resume needs --record' },
    { argv: ['v1', '--bash-limit', '0', 'x'], why: '--bash-limit takes a number above 0' },
  ];
  test.each(wrong)('$argv is a usage error', async ({ argv, why }) => {
    const { code, stdout, stderr } = await run(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(why);
  });

  test('runs one prompt and puts nothing but JSON lines on stdout', async () => {
    it = await bench();
    const { code, stdout } = await run(['v1', '--base-url', it.model.url, '--model', 'scripted-x', 'say', 'this']);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AgentOutput);
    expect(lines[0]).toMatchObject({ type: 'session', model: 'scripted-x', cliVersion: '1.2.3' });
    expect(lines).toContainEqual({ type: 'message', role: 'assistant', content: 'ack say this' });
    expect(lines.some(({ type }) => type === 'ask')).toBe(false);
  });

  test('in a chat, a person sees no JSON and no control characters of tools', async () => {
    it = await bench();
    const command = '[[scenario:tool cmd="printf \'a\\033[2Jb\'"]]\n';
    const { code, stdout } = await run(['v1', '--chat', '--base-url', it.model.url], command);
    expect(code).toBe(0);
    expect(stdout).toContain('✓  a[2Jb');
    expect(stdout).not.toContain('{"type"');
  });

  test('a result of several lines is shown by its first', () => {
    const line: AgentOutput = {
      type: 'tool_result',
      tool: 'bash',
      id: 't',
      result: 'one\ntwo',
      isError: true,
      durationMs: 1,
    };
    expect(shown(line)).toBe('  ✗  one');
  });
});
