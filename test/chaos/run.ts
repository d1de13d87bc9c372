/**
 * The chaos run: five agents get numbered messages while their CLIs, pane hosts, supervisor and tmux server are killed with SIGKILL
 * at random moments. At the end the model server says what reached the model: every message once, in order, whole, each answered.
 *
 *     node scripts/run-ts.mjs test/chaos/run.ts [--seed N] [--kills 200] [--messages 1000] [--real | --cli claude] [--no-confirm] [--keep FOLDER]
 *
 * `--real` takes two real claude, one real codex and one real ACP CLI beside a built-in agent (see scripts/real-clis.mjs); without it all
 * five are built-in; `--cli` takes five of one real CLI. `--keep` copies the home and the CLIs' own records there, to look into. `--no-confirm` switches the confirmation off: such a run must fail. Prints its seed and its counts.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { sleep } from '../../src/system/clock.ts';
import { deckOf, type Counts } from './kills.ts';
import { judgeConversation, numberedMessage, randomFrom } from './messages.ts';
import { openStage, type RealName, type Stage, type StageOptions } from './stage.ts';
import { killing } from './killing.ts';
import { auditLog } from './audit.ts';
import { watchDoubles } from './watch.ts';

export interface ChaosOptions extends StageOptions {
  seed: number;
  kills: number;
  messages: number;
  /** Folder that gets a copy of everything before it is removed. */
  keep?: string | undefined;
  say(text: string): void;
}

export interface ChaosResult {
  ok: boolean;
  problems: string[];
  kills: Counts;
  messages: number;
  seconds: number;
}

/** Quiet for this long with nothing queued = over. Milliseconds. */
const SETTLE_MS = 180_000;

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const began = performance.now();
  const random = randomFrom(options.seed);
  const stage = await openStage(options);
  const problems: string[] = [];
  /** Share of the kills that are done. */
  let done = 0;
  let kills: Counts = { cli: 0, host: 0, supervisor: 0, tmux: 0, inTool: 0, inDelivery: 0 };
  try {
    const watcher = watchDoubles(stage.home8, stage.agents);
    const each = Math.floor(options.messages / stage.agents.length);
    const senders = stage.agents.map((agent) =>
      feed(stage, agent.name, each, randomFrom(Math.floor(random() * 2 ** 32)), () => done),
    );
    const work = Promise.all(senders);
    const deck = deckOf(options.kills, random);
    kills = await killing(stage, deck, random, (count) => {
      done = count / deck.length;
      if (count % 20 === 0) options.say(`${count} of ${deck.length} kills`);
    });
    done = 1;
    await work;
    options.say(`all ${each * stage.agents.length} messages queued; waiting until every agent is idle`);
    await settle(stage, problems);
    await finish(stage, each, problems);
    watcher.stop();
    if (watcher.doubles.length > 0)
      problems.push(`two CLIs of one agent at once: ${[...new Set(watcher.doubles)].slice(0, 5).join('; ')}`);
    await inAgent(stage, problems);
    problems.push(...(await auditLog(stage)));
    problems.push(...(await stage.down()));
  } catch (error) {
    problems.push(`the run broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    if (options.keep !== undefined) stage.keep(options.keep);
    await stage.close();
  }
  const seconds = Math.round((performance.now() - began) / 1_000);
  return { ok: problems.length === 0, problems, kills, messages: options.messages, seconds };
}

/** Messages run ahead of the kills by this share at most, so that neither is over long before the other. */
const AHEAD = 0.1;

/** Sends an agent's messages in order; a supervisor that is away is started by the next try with the same message id. */
async function feed(
  stage: Stage,
  name: string,
  count: number,
  random: () => number,
  killed: () => number,
): Promise<void> {
  for (let n = 1; n <= count; n++) {
    while (n / count > killed() + AHEAD) await sleep(50);
    const { text } = numberedMessage(name, n, random);
    await stage.deliver(name, text, randomUUID());
    while ((await stage.queued(name)) > 8) await sleep(50);
  }
}

async function settle(stage: Stage, problems: string[]): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const busy = await stage.busy();
    if (busy.length === 0) return;
    if (performance.now() > end) {
      problems.push(`not idle after ${SETTLE_MS / 1_000} s: ${busy.join(', ')}`);
      return;
    }
    await sleep(200);
  }
}

/** One more message makes the last request show every answer. */
async function finish(stage: Stage, each: number, problems: string[]): Promise<void> {
  for (const { name } of stage.agents) await stage.deliver(name, 'That was the last one.', randomUUID());
  await sleep(500);
  await settle(stage, problems);
  for (const { name } of stage.agents) {
    const verdict = judgeConversation(name, each, stage.messages(name));
    problems.push(...verdict.problems.slice(0, 8).map((problem) => `${name}: ${problem}`));
  }
}

/** An agent that runs `tutti ps` while the supervisor is away starts one; stopping the agent must not take it along. */
async function inAgent(stage: Stage, problems: string[]): Promise<void> {
  const name = stage.agents.at(-1)?.name ?? '';
  await stage.stopSupervisor();
  const answer = await stage.runInside(name);
  if (!answer.includes('NAME')) problems.push(`tutti ps inside ${name} did not answer: ${answer.slice(0, 200)}`);
  const before = await stage.supervisorPid();
  await stage.stop(name);
  const after = await stage.supervisorPid();
  if (before === null || before !== after)
    problems.push(`stopping ${name} took the supervisor along (${before} → ${after})`);
  const others = await stage.states();
  for (const [other, state] of Object.entries(others)) {
    if (other !== name && state !== 'idle') problems.push(`${other} is ${state} after ${name} was stopped`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      kills: { type: 'string', default: '200' },
      messages: { type: 'string', default: '1000' },
      real: { type: 'boolean', default: false },
      cli: { type: 'string' },
      keep: { type: 'string' },
      'no-confirm': { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  say(`chaos: seed ${seed}`);
  const result = await chaos({
    seed,
    kills: Number(values.kills),
    messages: Number(values.messages),
    real: values.real,
    cli: values.cli as RealName | undefined,
    keep: values.keep,
    confirm: !values['no-confirm'],
    say,
  });
  const { cli, host, supervisor, tmux, inTool, inDelivery } = result.kills;
  say(
    `kills: ${cli + host + supervisor + tmux} (cli ${cli}, host ${host}, supervisor ${supervisor}, tmux ${tmux}); ${inTool} while a tool ran, ${inDelivery} aimed at a delivery`,
  );
  say(`messages: ${result.messages}; ${result.seconds} s; seed ${seed}`);
  for (const problem of result.problems) say(`✗ ${problem}`);
  say(result.ok ? '✓ every message once, in order, whole and answered; nothing left alive' : '✗ FAILED');
  process.exitCode = result.ok ? 0 : 1;
}

if (process.argv[1]?.endsWith('run.ts')) await main();
