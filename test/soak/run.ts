/**
 * The soak: a fleet of built-in agents at work on the scripted model while something breaks every few seconds. The figures are how long
 * each kind of fault keeps an agent (or the fleet) from working, and whether anything grows.
 *
 *     npm run soak -- [--minutes 60] [--agents 8] [--every 5] [--seed N] [--write]
 *
 * Fails where the fleet does not end healthy, a fault is neither recovered from nor handed to a person with a reason, a message is lost,
 * something leaks, or anything is alive after `down`. `--write` puts the figures into docs/reliability.md.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sleep } from '../../src/system/clock.ts';
import { randomFrom } from '../chaos/messages.ts';
import { openStage, type Stage } from '../chaos/stage.ts';
import { FAULTS, type Fault, worksAgain } from './faults.ts';
import { type Recovery, rows, table } from './figures.ts';
import { follow, type Follower } from './follow.ts';
import { growth, type Sample, sample } from './leaks.ts';

interface SoakOptions {
  minutes: number;
  agents: number;
  /** Mean time between faults. Seconds. */
  everyS: number;
  seed: number;
}

/** Short thresholds, so that an hour holds many faults; the rest is default. */
const CONFIG = `watchdog:
  restarts: { max: 100000 }
  backoff: { cap: 5s }
  stall: { nudgeAfter: 10s, restartAfter: 20s, toolLimit: 20s }
`;
/** Neither working again nor failed after this: the fault was not dealt with. */
const DEAL_LIMIT_MS = 180_000;
const SETTLE_LIMIT_MS = 180_000;
const SAMPLE_EVERY_MS = 10_000;
/** What the agents do when nothing is wrong. */
const WORK = [
  'multi n=2 sleep=0.3',
  'tool cmd="sleep 1"',
  'write',
  'echo sleep=0.5',
  'thinking',
  'slow tokens=20 ms=30',
];

class Soak {
  readonly recoveries: Recovery[] = [];
  readonly problems: string[] = [];
  readonly samples: Sample[] = [];
  /** Agents under a fault. */
  readonly #hit = new Set<string>();
  #fleetHit = false;
  #over = false;
  sent = 0;
  readonly #began = performance.now();
  readonly #random: () => number;
  readonly #stage: Stage;
  readonly #follower: Follower;
  readonly #say: (text: string) => void;

  constructor(stage: Stage, follower: Follower, random: () => number, say: (text: string) => void) {
    this.#stage = stage;
    this.#follower = follower;
    this.#random = random;
    this.#say = say;
  }

  get elapsedS(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  async run({ minutes, everyS }: SoakOptions): Promise<void> {
    const feeding = Promise.all(this.#stage.agents.map(({ name }) => this.#feed(name)));
    const sampling = this.#sampling();
    const open: Promise<void>[] = [];
    let told = 0;
    while (this.elapsedS < minutes * 60) {
      await sleep(this.#random() * 2 * everyS * 1_000);
      open.push(this.#strike());
      const minute = Math.floor(this.elapsedS / 60);
      if (minute > told) {
        told = minute;
        this.#say(
          `minute ${minute}: ${this.recoveries.length} faults dealt with, ${this.#hit.size} open, ${this.sent} messages`,
        );
      }
    }
    await Promise.all(open);
    this.#over = true;
    await Promise.all([feeding, sampling]);
    await this.#settle();
    this.problems.push(...growth(this.samples));
  }

  /** Keeps an agent busy: the next message when the last one is taken. */
  async #feed(name: string): Promise<void> {
    while (!this.#over) {
      if ((await this.#stage.queued(name)) === 0) {
        const work = WORK[Math.floor(this.#random() * WORK.length)] ?? 'echo';
        await this.#stage.deliver(name, `Work on this. [[scenario:${work}]] ${randomUUID()}`, randomUUID());
        this.sent++;
      }
      await sleep(400);
    }
  }

  async #sampling(): Promise<void> {
    while (!this.#over) {
      this.samples.push(sample(this.#stage.home, this.elapsedS));
      await sleep(SAMPLE_EVERY_MS);
    }
  }

  #choose(): Fault {
    let at = this.#random() * FAULTS.reduce((sum, { weight }) => sum + weight, 0);
    const chosen = FAULTS.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    return chosen ?? (FAULTS[0] as Fault);
  }

  /** One fault, to its end. Not while the fleet is hit, not on an agent that is, and not on more than half of them. */
  async #strike(): Promise<void> {
    const fault = this.#choose();
    const free = this.#stage.agents.filter(({ name }) => !this.#hit.has(name));
    const agent = free[Math.floor(this.#random() * free.length)];
    if (this.#fleetHit || !agent || free.length * 2 <= this.#stage.agents.length) return;
    this.#hit.add(agent.name);
    this.#fleetHit = fault.fleet;
    try {
      const from = performance.now();
      if (await fault.inject(this.#stage, agent.name)) await this.#recovery(fault, agent, from);
    } catch (error) {
      this.problems.push(`${fault.kind} on ${agent.name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (fault.fleet) this.#fleetHit = false;
      this.#hit.delete(agent.name);
    }
  }

  async #recovery(fault: Fault, { id, name }: { id: string; name: string }, from: number): Promise<void> {
    const works = worksAgain(fault, id);
    const until = from + DEAL_LIMIT_MS;
    const end = await this.#follower.first(from, until, (event) => {
      const failed = event.type === 'agent_status' && event.agentId === id && event.state === 'failed';
      return failed || works(event);
    });
    if (end === null) {
      const states = await this.#stage.busy();
      this.problems.push(
        `${fault.kind} on ${name}: nothing came of it in ${DEAL_LIMIT_MS / 1_000} s (${states.join('; ')})`,
      );
      await this.#resume(name);
      return;
    }
    const handed = end.event.type === 'agent_status' ? (end.event.reason ?? 'without a reason') : null;
    this.recoveries.push({ kind: fault.kind, agent: name, ms: handed === null ? end.at - from : null, handed });
    if (handed === null) return;
    this.#say(`${fault.kind} on ${name} was handed to a person: ${handed}`);
    if (handed === 'without a reason') this.problems.push(`${fault.kind} on ${name}: failed without a reason`);
    await this.#resume(name);
  }

  /** The person's part. */
  #resume(name: string): Promise<unknown> {
    return this.#stage.withClient((client) => client.act(name, 'resume')).catch(() => undefined);
  }

  async #settle(): Promise<void> {
    const end = performance.now() + SETTLE_LIMIT_MS;
    for (let busy = await this.#stage.busy(); busy.length > 0; busy = await this.#stage.busy()) {
      if (performance.now() > end) {
        this.problems.push(`not healthy at the end: ${busy.join('; ')}`);
        return;
      }
      await sleep(500);
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      agents: { type: 'string', default: '8' },
      every: { type: 'string', default: '5' },
      seed: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const options: SoakOptions = {
    minutes: Number(values.minutes),
    agents: Number(values.agents),
    everyS: Number(values.every),
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
  };
  say(
    `soak: ${options.minutes} min, ${options.agents} agents, a fault every ${options.everyS} s, seed ${options.seed}`,
  );
  const stage = await openStage({ real: false, confirm: true, builtIn: options.agents, config: CONFIG });
  const follower = follow(stage);
  const soak = new Soak(stage, follower, randomFrom(options.seed), say);
  try {
    await soak.run(options);
    follower.close();
    soak.problems.push(...(await stage.down()));
  } finally {
    follower.close();
    await stage.close();
  }
  report(options, soak, follower, say, values.write);
}

function report(
  options: SoakOptions,
  soak: Soak,
  follower: Follower,
  say: (text: string) => void,
  write: boolean,
): void {
  const all = rows(soak.recoveries);
  const first = soak.samples.at(Math.floor(soak.samples.length / 4));
  const last = soak.samples.at(-1);
  const holds = (s: Sample | undefined): string =>
    s === undefined
      ? 'no sample'
      : `${s.processes} processes; supervisor ${s.supervisor?.fds ?? '?'} descriptors, ${s.supervisor?.rssMb ?? '?'} MB; ` +
        `largest host ${s.hosts.fds} descriptors, ${s.hosts.rssMb} MB; ${s.runFiles} files in run/`;
  const text = [
    `${options.minutes} minutes, ${options.agents} agents, seed ${options.seed}: ${soak.recoveries.length} faults, ${soak.sent} messages of work.`,
    '',
    table(all),
    '',
    `After a quarter: ${holds(first)}.`,
    `At the end: ${holds(last)}.`,
  ].join('\n');
  say(`\n${text}\n`);
  for (const [verdict, count] of Object.entries(follower.verdicts()).sort()) say(`${count} × ${verdict}`);
  for (const problem of soak.problems) say(`✗ ${problem}`);
  const ok = soak.problems.length === 0;
  say(ok ? '✓ the fleet ended healthy, nothing leaked' : '✗ FAILED');
  if (write && ok) writeSection(text);
  process.exitCode = ok ? 0 : 1;
}

const DOC = 'docs/reliability.md';
const MARKS = ['<!-- soak: written by npm run soak -- --write -->', '<!-- /soak -->'] as const;

function writeSection(text: string): void {
  const doc = readFileSync(DOC, 'utf8');
  const [begin, end] = MARKS.map((mark) => doc.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`${DOC} has no soak section`);
  writeFileSync(DOC, `${doc.slice(0, begin + MARKS[0].length)}\n\n${text}\n\n${doc.slice(end)}`);
}

await main();
