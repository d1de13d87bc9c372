/**
 * `tutti demo`: a full run on the embedded scripted model, in real tmux, without key, CLI or network. Three built-in agents:
 * one is killed in mid-turn and still knows its codeword, one meets a limit and goes on at its reset, one mends a small repository.
 * Everything happens in a home of its own, which is removed at the end (`--keep` keeps it and leaves the agents running).
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoProject, demoTask, type ScriptedModel, startScriptedModel } from '../../agents/scripted-model/index.ts';
import type { Client } from '../../client/index.ts';
import { sleep } from '../../system/clock.ts';
import { runProcess } from '../../system/process.ts';
import { agentTable } from '../agent-text.ts';
import { CliFailure } from '../failure.ts';
import type { CommandFile, Context } from '../program.ts';

interface Flags {
  keep?: boolean;
}

const CODEWORD = 'MARIGOLD';
/** Longer than the SDK retries by itself, short enough to watch. Seconds. */
const RETRY_AFTER_S = 15;
/** The whole demo ends well within three minutes. Milliseconds. */
const STEP_LIMIT_MS = 90_000;
const GIT_LIMIT_MS = 20_000;

export const command: CommandFile = {
  define(command, run) {
    command
      .option('--keep', 'leave the agents running, and say how to end them')
      .addHelpText('after', '\nExamples:\n  $ tutti demo\n  $ tutti demo --keep     then attach to the agents')
      .action(run(async (context, flags: Flags) => demo(context, flags)));
  },
};

interface Stage {
  context: Context;
  client: Client;
  model: ScriptedModel;
  root: string;
  home: string;
  say(text: string): void;
}

interface Outcome {
  agent: string;
  shown: string;
  ok: boolean;
}

async function demo(context: Context, flags: Flags): Promise<number> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-demo-')));
  const home = join(root, 'home');
  const say = (text: string): void => {
    if (!context.out.json) context.out.line(text);
  };
  say(
    'tutti demo: three built-in agents on a SCRIPTED model (no key, no network). Its answers are written down; all else is real.',
  );
  const model = await startScriptedModel();
  const client = await context.connect({ home });
  try {
    const stage: Stage = { context, client, model, root, home, say };
    const outcomes = await play(stage);
    const ok = outcomes.every((outcome) => outcome.ok);
    const { agents } = await client.list();
    say('');
    say(agentTable(agents, context.out, { now: Date.now(), unicode: true, wide: false }));
    const summary = outcomes.map((outcome) => `${outcome.ok ? '✓' : '✗'} ${outcome.agent.padEnd(9)} ${outcome.shown}`);
    const requests = model.requests().length;
    context.out.result(
      { ok, outcomes, modelRequests: requests, home: flags.keep ? home : null },
      `\n${summary.join('\n')}\n${ok ? 'All three as promised' : 'NOT as promised'}; the scripted model answered ${requests} requests.`,
    );
    if (flags.keep) await keep(stage);
    return ok ? 0 : 1;
  } finally {
    const { pid } = await client.health();
    await client.down({ all: true });
    client.close();
    await context.local.awaitExit(pid);
    await model.close();
    rmSync(root, { recursive: true, force: true });
  }
}

async function play(stage: Stage): Promise<Outcome[]> {
  const repository = await makeRepository(stage.root);
  const folder = join(stage.root, 'notes');
  mkdirSync(folder);
  await spawn(
    stage,
    'keeper',
    folder,
    `Please remember the codeword ${CODEWORD}. [[scenario:text say="I will remember it."]]`,
  );
  await spawn(
    stage,
    'limited',
    folder,
    `Write a haiku about limits. [[scenario:ratelimit n=1 retry_after=${RETRY_AFTER_S} say="Limits come and go; the work goes on by itself; nobody looked up."]]`,
  );
  await spawn(stage, 'coder', repository, demoTask);
  stage.say(
    `They run in tmux. Look at one from another terminal:\n    tmux -L ${await tmuxSocket(stage)} attach -t =coder      (Ctrl-b d leaves it running)\n`,
  );
  return Promise.all([survive(stage), meetLimit(stage), mend(stage, repository)]);
}

async function tmuxSocket({ client }: Stage): Promise<string> {
  return (await client.health()).tmux;
}

async function spawn({ client, model }: Stage, name: string, cwd: string, task: string): Promise<void> {
  await client.spawn({
    name,
    project: 'demo',
    cli: 'tutti',
    cwd,
    task,
    permissions: 'bypass',
    launch: {
      env: {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        HOME: cwd,
        LANG: 'C.UTF-8',
        ANTHROPIC_API_KEY: 'scripted-model-needs-none',
        ANTHROPIC_BASE_URL: model.urlFor(name),
      },
    },
  });
}

/** Killed with SIGKILL in mid-turn: comes back with its conversation. */
async function survive({ client, say }: Stage): Promise<Outcome> {
  const name = 'keeper';
  await client.wait(name, { for: ['idle'], timeoutMs: STEP_LIMIT_MS });
  await client.send(name, 'Now do something long. [[scenario:sleep s=20]]');
  const before = await until(client, name, (agent) => agent.state === 'working' && agent.toolCalls > 0);
  if (before.pid === null) throw new CliFailure('RUNTIME_ERROR', `${name} has no process to kill`);
  process.kill(before.pid, 'SIGKILL');
  say(`keeper    its process ${before.pid} was just killed with SIGKILL, in the middle of a command`);
  const back = await until(client, name, (agent) => agent.incarnation > before.incarnation && agent.pid !== null);
  say(`keeper    is back as process ${back.pid}, conversation ${back.conversationId}`);
  await client.wait(name, { for: ['idle'], timeoutMs: STEP_LIMIT_MS });
  const answer = await client.sendAndWait(name, 'Which codeword did I give you? [[scenario:recall]]', {
    timeoutMs: STEP_LIMIT_MS,
  });
  say(`keeper    says: ${answer.text}`);
  return {
    agent: name,
    shown: `killed in mid-turn, came back, and still knows the codeword ${CODEWORD}`,
    ok: answer.text.includes(CODEWORD),
  };
}

/** A 429 whose retry-after is beyond what the SDK waits: `limited` with its time, then it goes on by itself. */
async function meetLimit({ client, model, say }: Stage): Promise<Outcome> {
  const name = 'limited';
  const limited = await until(client, name, (agent) => agent.state === 'limited');
  say(`limited   is ${limited.state} until ${limited.resumeAt}`);
  const asked = model.requests(name).length;
  await client.wait(name, { for: ['idle'], timeoutMs: STEP_LIMIT_MS });
  const early = model
    .requests(name)
    .filter((request, i) => i >= asked && request.at < Date.parse(limited.resumeAt ?? '')).length;
  say('limited   has gone on by itself');
  return {
    agent: name,
    shown: `limited until ${limited.resumeAt}, no request before that, then went on`,
    ok: limited.resumeAt !== null && early === 0,
  };
}

/** A small coding task in a git repository; its own test decides. */
async function mend({ client, say }: Stage, repository: string): Promise<Outcome> {
  const name = 'coder';
  await client.wait(name, { for: ['idle'], timeoutMs: STEP_LIMIT_MS });
  const test = await runProcess([process.execPath, '--test'], { cwd: repository, timeoutMs: GIT_LIMIT_MS });
  const diff = await runProcess(['git', 'diff', '--stat'], { cwd: repository, timeoutMs: GIT_LIMIT_MS });
  say(`coder     is done; the repository's own test ${test.code === 0 ? 'passes' : 'FAILS'}\n${diff.stdout}`);
  return { agent: name, shown: 'mended the repository; its own test passes', ok: test.code === 0 };
}

async function makeRepository(root: string): Promise<string> {
  const folder = join(root, 'repository');
  mkdirSync(folder);
  for (const [name, content] of Object.entries(demoProject)) writeFileSync(join(folder, name), content);
  const git = ['git', '-c', 'user.name=demo', '-c', 'user.email=demo@localhost', '-c', 'commit.gpgsign=false'];
  for (const args of [
    ['init', '-q'],
    ['add', '.'],
    ['commit', '-q', '-m', 'A slug with a bug'],
  ]) {
    const result = await runProcess([...git, ...args], { cwd: folder, timeoutMs: GIT_LIMIT_MS });
    if (!result.ok)
      throw new CliFailure('RUNTIME_ERROR', `git ${args[0]} failed: ${result.stderr || result.message}`, {
        hint: 'tutti doctor',
      });
  }
  return folder;
}

async function until(client: Client, name: string, met: (agent: Awaited<ReturnType<Client['get']>>) => boolean) {
  const stream = client.stream({ agents: [name] });
  const timer = setTimeout(() => stream.close(), STEP_LIMIT_MS);
  try {
    await stream.ready;
    const first = await client.get(name);
    if (met(first)) return first;
    for await (const _ of stream) {
      const agent = await client.get(name);
      if (met(agent)) return agent;
    }
    throw new CliFailure('TIMEOUT', `${name} did not get there in ${STEP_LIMIT_MS / 1_000} s`, {
      hint: `tutti why ${name}`,
    });
  } finally {
    clearTimeout(timer);
    stream.close();
  }
}

/** Until Ctrl-C. */
async function keep({ context, home }: Stage): Promise<void> {
  context.out.note(
    `The agents stay until Ctrl-C. In another terminal:  tutti --home ${home} ps   or   tutti --home ${home} attach coder`,
  );
  let over = false;
  process.once('SIGINT', () => {
    over = true;
  });
  while (!over) await sleep(200);
}
