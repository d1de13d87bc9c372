/** The pure parts of the pane host: command book, outbox, requests, gate, frames, ledger. */
import { describe, expect, it } from 'vitest';
import type { GuardContext } from '../../../src/core/guard/index.ts';
import type { RecordBody } from '../../../src/core/host-wire.ts';
import { CommandBook, RESULTS_LIMIT } from '../../../src/host/command-book.ts';
import { BadFrame, configureArgs, createFrameSplitter, parseFrame } from '../../../src/host/frames.ts';
import { ARGS_LIMIT, createJudge, legal } from '../../../src/host/judge.ts';
import { type Journal, Ledger, RETRY_MS } from '../../../src/host/ledger.ts';
import { type Outgoing, Outbox } from '../../../src/host/outbox.ts';
import { withoutSecrets } from '../../../src/host/redaction.ts';
import { REQUESTS_LIMIT, Requests } from '../../../src/host/requests.ts';
import type { Guard } from '../../../src/host/side-files.ts';
import { waitFor } from '../../support/wait.ts';

describe('the command book', () => {
  it('acts once, waits while it is open, and tells the result again', () => {
    const book = new CommandBook();
    expect(book.take('a', 'stop')).toEqual({ do: 'act' });
    book.opened('a', 'stop');
    expect(book.take('a', 'stop')).toEqual({ do: 'wait' });
    book.closed('a', { ok: true, result: { left: 0 } });
    expect(book.take('a', 'stop')).toEqual({ do: 'again', ok: true, result: { left: 0 } });
  });

  it('lets only a confirm take up what a dead CLI was given', () => {
    const book = new CommandBook();
    book.opened('given', 'message');
    book.opened('held', 'message');
    book.opened('i', 'interrupt');
    expect(book.cliEnded(new Set(['given']))).toEqual(['i']);
    expect(book.take('given', 'message')).toMatchObject({ do: 'refuse', code: 'unknown_delivery' });
    expect(book.take('given', 'confirm')).toEqual({ do: 'act' });
    expect(book.take('held', 'confirm')).toEqual({ do: 'wait' });
  });

  it('takes a refused message again under its own id, and nothing else', () => {
    const book = new CommandBook();
    book.opened('m', 'message');
    book.closed('m', { ok: false, result: null });
    expect(book.take('m', 'message')).toEqual({ do: 'act' });
    book.opened('s', 'start');
    book.closed('s', { ok: false, result: null });
    expect(book.take('s', 'start')).toMatchObject({ do: 'again', ok: false });
  });

  it('forgets the oldest results, never what is open', () => {
    const book = new CommandBook();
    book.opened('open', 'message');
    for (let i = 0; i <= RESULTS_LIMIT; i++) {
      book.opened(`r${i}`, 'stop');
      book.closed(`r${i}`, { ok: true, result: null });
    }
    expect(book.take('r0', 'stop')).toEqual({ do: 'act' });
    expect(book.take('open', 'message')).toEqual({ do: 'wait' });
  });
});

describe('the outbox', () => {
  const message = (id: string, now = false, confirm = false): Outgoing => ({
    id,
    messageId: id,
    text: id,
    now,
    ordinal: 0,
    confirm,
  });
  const idle = { ready: true, turn: false, steer: true };
  const busy = { ready: true, turn: true, steer: true };
  const ids = (list: Outgoing[]): string[] => list.map(({ id }) => id);

  it('gives one message per turn, in order', () => {
    const box = new Outbox();
    box.add(message('a'));
    box.add(message('b'));
    expect(ids(box.next({ ...idle, ready: false }))).toEqual([]);
    expect(ids(box.next(idle))).toEqual(['a']);
    expect(ids(box.next(idle))).toEqual([]);
    box.confirmed('a', true);
    expect(ids(box.next(idle))).toEqual([]);
    box.turnStarted();
    expect(ids(box.next(busy))).toEqual([]);
    box.turnEnded();
    expect(ids(box.next(idle))).toEqual(['b']);
  });

  it('goes on at once behind a message that brings no turn', () => {
    const box = new Outbox();
    box.add(message('a', false, true));
    box.add(message('b'));
    expect(ids(box.next(idle))).toEqual(['a']);
    box.confirmed('a', false);
    expect(ids(box.next(idle))).toEqual(['b']);
  });

  it('steers only into a running turn, and only where the CLI can', () => {
    const box = new Outbox();
    box.add(message('held'));
    box.add(message('now', true));
    expect(ids(box.next({ ...busy, steer: false }))).toEqual([]);
    expect(ids(box.next(busy))).toEqual(['now']);
    expect(box.held.map(({ id }) => id)).toEqual(['held']);
  });

  it('keeps what came too early for the end of the turn, ahead of the rest', () => {
    const box = new Outbox();
    box.add(message('a', true));
    box.next(busy);
    box.add(message('b'));
    expect(box.refused('a', true)?.id).toBe('a');
    expect(box.held.map(({ id, now }) => [id, now])).toEqual([
      ['a', false],
      ['b', false],
    ]);
  });

  it('loses what it gave when the CLI ends, and keeps what it held', () => {
    const box = new Outbox();
    box.add(message('a'));
    box.add(message('b'));
    box.next(idle);
    expect(ids(box.cliEnded())).toEqual(['a']);
    expect(ids(box.next(idle))).toEqual(['b']);
  });
});

describe('requests', () => {
  const one = { incarnation: 1, key: 'k', what: 'permission', tool: 'bash', args: {}, text: '?' } as const;

  it('have ids that tell agents and host starts apart, and are taken once', () => {
    const [a, b, later] = [new Requests('a1', 1), new Requests('b1', 1), new Requests('a1', 2)].map(
      (all) => all.open(one).requestId,
    );
    expect(new Set([a, b, later]).size).toBe(3);
    const requests = new Requests('a1', 1);
    const { requestId } = requests.open(one);
    expect(requests.take(requestId)?.key).toBe('k');
    expect(requests.take(requestId)).toBeNull();
  });

  it('have a limit, and go by the key of the driver', () => {
    const requests = new Requests('a1', 1);
    for (let i = 0; i < REQUESTS_LIMIT; i++) requests.open({ ...one, key: `k${i}` });
    expect(requests.full).toBe(true);
    expect(requests.takeByKey('k5')?.key).toBe('k5');
    expect(requests.takeByKey('k5')).toBeNull();
    expect(requests.takeAll()).toHaveLength(REQUESTS_LIMIT - 1);
  });
});

describe('the closed gate', () => {
  const call = { tool: 'bash', nativeTool: 'Bash', args: { command: 'ls' } } as const;
  const context = {
    cwd: '/',
    home: '/',
    tuttiHome: '/t',
    permissions: 'bypass' as const,
    rules: [],
    below: [],
    self: 'a',
  } satisfies GuardContext;
  const judged = (guard: unknown, args = call.args as { command: string }) =>
    createJudge(() => guard as Guard)({ ...call, args }, context);

  it.each([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['gives nothing', () => undefined],
    ['gives a string', () => 'allow'],
    ['gives an unknown verdict', () => ({ verdict: 'maybe', rule: null, why: '' })],
    ['gives no rule', () => ({ verdict: 'allow', why: '' })],
    ['names an empty rule', () => ({ verdict: 'allow', rule: '', why: '' })],
    [
      'takes too long',
      () => {
        const end = performance.now() + 1_050;
        while (performance.now() < end);
        return { verdict: 'allow', rule: null, why: '' };
      },
    ],
  ])('denies when the guard %s', (_how, guard) => {
    expect(judged(guard)).toMatchObject({ verdict: 'deny', by: 'policy', why: expect.stringMatching(/./) });
  });

  it('denies when the guard cannot be loaded, and what it cannot read whole', () => {
    expect(
      createJudge(() => {
        throw new Error('gone');
      })(call, context),
    ).toMatchObject({ verdict: 'deny', why: expect.stringContaining('gone') });
    const yes = () => ({ verdict: 'allow', rule: null, why: 'fine' });
    expect(judged(yes, { command: 'x'.repeat(ARGS_LIMIT) })).toMatchObject({ verdict: 'deny' });
    expect(judged(yes)).toEqual({ verdict: 'allow', by: 'policy', why: 'fine' });
    expect(legal({ verdict: 'ask', rule: 'r', why: '' })).toEqual({
      verdict: 'ask',
      by: 'rule:r',
      why: 'no reason given',
    });
  });
});

describe('frames', () => {
  it.each([
    ['no JSON', 'x'],
    ['a list', '[]'],
    ['an unknown type', '{"type":"dance"}'],
    ['no id', '{"type":"command","verb":"stop"}'],
    ['an unknown verb', '{"type":"command","id":"a","verb":"toString"}'],
    ['args that are a list', '{"type":"command","id":"a","verb":"stop","args":[]}'],
    ['a hello without protocol', '{"type":"hello"}'],
    ['typed without input', '{"type":"typed"}'],
  ])('are refused: %s', (_what, line) => {
    expect(() => parseFrame(line)).toThrow(BadFrame);
  });

  it('come whole however the bytes are split, and never beyond the limit', () => {
    const bytes = Buffer.from('{"a":"ä"}\n{"b":1}\n');
    for (let at = 0; at <= bytes.length; at++) {
      const split = createFrameSplitter();
      expect([...split(bytes.subarray(0, at)), ...split(bytes.subarray(at))]).toEqual(['{"a":"ä"}', '{"b":1}']);
    }
    expect(() => createFrameSplitter(10)(Buffer.alloc(11, 'x'))).toThrow(BadFrame);
  });

  it('do not pass a rule that is not understood', () => {
    const configure = (rules: unknown) => () =>
      configureArgs({
        v: 1,
        type: 'command',
        id: 'a',
        verb: 'configure',
        args: { permissions: 'auto', rules: rules as never, below: [] },
      });
    expect(configure([{ id: 'x', verdict: 'sometimes', why: '', match: { kind: 'tool' } }])).toThrow(
      /allow, ask or deny/,
    );
    expect(configure('all')).toThrow(BadFrame);
    expect(configure(null)()).toMatchObject({ rules: null, permissions: 'auto' });
  });
});

/** A journal file whose disk can be full. */
class SmallDisk implements Journal {
  readonly epoch = 1;
  readonly lines: RecordBody[] = [];
  full = false;
  get n(): number {
    return this.lines.length;
  }
  append(body: RecordBody): ReturnType<Journal['append']> {
    if (this.full) return { ok: false, reason: 'disk_full', message: 'no space' };
    this.lines.push(body);
    return { ok: true, n: this.n, offset: 0 };
  }
  async sync(): Promise<{ ok: true }> {
    return { ok: true };
  }
  async close(): Promise<void> {
    this.full = true;
  }
}

describe('the ledger', () => {
  const note = (text: string): RecordBody => ({ kind: 'note', level: 'info', text });

  it('holds records and what follows from them while the disk is full, and goes on in order', async () => {
    const disk = new SmallDisk();
    const told: string[] = [];
    const ledger = new Ledger(disk, (body) => body, {
      written: (body) => told.push(`written ${'text' in body ? body.text : ''}`),
      held: () => told.push('held'),
      released: () => told.push('released'),
    });
    ledger.record(note('a'));
    disk.full = true;
    ledger.record(note('b'));
    ledger.act(() => told.push('acted on b'));
    ledger.record(note('c'));
    expect(ledger.attempt(note('d'))).toBe(false);
    expect(told).toEqual(['written a', 'held']);
    expect(ledger.held).toBe(true);
    disk.full = false;
    await waitFor('it goes on', () => told.includes('released'), RETRY_MS * 5);
    expect(told).toEqual(['written a', 'held', 'written b', 'acted on b', 'written c', 'released']);
    expect(ledger.attempt(note('d'))).toBe(true);
  });

  it('writes what a record leads to behind it', () => {
    const disk = new SmallDisk();
    const ledger = new Ledger(disk, (body) => withoutSecrets(body, (text) => text.replaceAll('hunter2', '***')), {
      written: (body) => {
        if ('text' in body && body.text === 'first hunter2') ledger.record(note('second'));
      },
      held: () => undefined,
      released: () => undefined,
    });
    ledger.record(note('first hunter2'));
    expect(disk.lines).toEqual([note('first ***'), note('second')]);
  });
});
