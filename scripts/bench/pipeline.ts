/** The supervisor's event path without its disk and its mailbox: record → decoder → decide → seal → reduce. */
import { DEFAULTS } from '../../src/core/config/settings.ts';
import { decide } from '../../src/core/decide/index.ts';
import { emptyState } from '../../src/core/empty-state.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import type { HostHello, JournalRecord, RecordBody } from '../../src/core/host-wire.ts';
import { reduce } from '../../src/core/reduce/index.ts';
import type { AgentSpec, State } from '../../src/core/state.ts';
import type { IngestedRecord, Input, Step } from '../../src/core/step.ts';
import { driverFor } from '../../src/drivers/registry.ts';
import { createRecordDecoder } from '../../src/supervisor/decode.ts';
import { seal } from '../../src/supervisor/seal.ts';

const NOW = Date.UTC(2026, 0, 1);
const AT = new Date(NOW).toISOString();
/** Records that the supervisor takes in at a time: it reads 1 MiB of the journal. */
const BATCH_BYTES = 1024 * 1024;
const AGENT = 'a1';
const HELLO: HostHello = {
  ...{ protocol: 1, build: 'bench', agentId: AGENT, epoch: 1, n: 0, pid: 1, start: '1' },
  ...{ cli: null, requests: [], blind: false },
};

const spec: AgentSpec = {
  ...{ cli: 'claude', model: null, role: null, parentId: null, zone: null, task: null, cwd: '/', worktree: null },
  ...{
    branch: null,
    permissions: 'auto',
    restart: 'transient',
    once: false,
    account: 'claude:default',
    settings: {},
    fallback: [],
    fallbackReturn: false,
  },
  budget: { usd: null, tokens: null },
};

export interface Pipeline {
  readonly state: State;
  /** Takes one stdout line of the CLI. */
  line(text: string): void;
  /** Takes a journal record whose line has this many bytes. */
  record(record: JournalRecord, bytes: number): void;
  flush(): void;
}

/** @param publish gets the events of each batch, as they would be appended */
export function pipeline(publish: (events: TuttiEvent[]) => void): Pipeline {
  let state = emptyState('bench');
  let n = 0;
  let offset = 0;
  let bytesHeld = 0;
  let held: IngestedRecord[] = [];
  const decoder = createRecordDecoder({
    lookup: (cli) => driverFor(cli, undefined),
    cli: 'claude',
    heard: false,
    rest: { epoch: 1, n: 0, offset: 0 },
  });

  const take = (input: Input): Step => {
    const step = decide(state, input, { now: NOW, random: 0.5, settings: DEFAULTS, recovering: false });
    const events = seal(step.events, { state, now: AT, recordedAt: () => AT });
    for (const event of events) state = reduce(state, event);
    publish(events);
    return step;
  };

  const flush = (): void => {
    if (held.length === 0) return;
    const records = held;
    held = [];
    bytesHeld = 0;
    take({ type: 'records', agentId: AGENT, epoch: 1, records });
    // Recorded failures may not end the agent: the next recording in the row is of another one, which runs.
    const gated = state.agents[AGENT]?.gate != null;
    if (gated) take({ type: 'command', id: `c${n}`, by: 'user', command: { verb: 'resume', agentId: AGENT } });
  };

  const record = (one: JournalRecord, bytes: number): void => {
    n = one.n;
    offset += bytes;
    bytesHeld += bytes;
    held.push(decoder.push(one, 1, offset));
    if (bytesHeld >= BATCH_BYTES) flush();
  };
  const next = (body: RecordBody): void => record({ v: 1, n: n + 1, at: AT, ...body }, 100);

  const command = { verb: 'spawn', agentId: AGENT, name: AGENT, project: 'bench', spec, messageId: null } as const;
  take({ type: 'command', id: 'c0', by: 'user', command });
  const { effects } = take({ type: 'host_up', agentId: AGENT, hello: HELLO });
  const order = effects.find((effect) => effect.do === 'host_command' && effect.verb === 'start');
  if (order?.do !== 'host_command') throw new Error('the agent of the bench was not started');
  const cli = { incarnation: 1, pid: 2, start: '1', argv: [], cli: 'claude', conversationId: 'c', resumed: false };
  next({ kind: 'spawn', ...cli });
  next({ kind: 'done', id: order.id, ok: true, result: { pid: 2 } });
  next({ kind: 'ready', incarnation: 1, conversationId: 'c', resumed: false });
  flush();
  return {
    get state() {
      return state;
    },
    line(text) {
      record({ v: 1, n: n + 1, at: AT, kind: 'out', incarnation: 1, line: text }, text.length);
    },
    record,
    flush,
  };
}

/** Numbers of the records that start the agent. */
const START_RECORDS = 3;

/** Journal lines of these stdout lines, as a pane host writes them. */
export function journalLines(lines: string[]): string[] {
  return lines.map((line, i) =>
    JSON.stringify({
      v: 1,
      n: START_RECORDS + i + 1,
      at: AT,
      kind: 'out',
      incarnation: 1,
      line,
    } satisfies JournalRecord),
  );
}
