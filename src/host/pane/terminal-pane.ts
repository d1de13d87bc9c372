/** The pane of a real terminal: transcript, footer and typed input on one tty. */
import type { ReadStream } from 'node:tty';
import type { DriverEventBody } from '../../core/event.ts';
import type { ConfigureArgs, RecordBody } from '../../core/host-wire.ts';
import { wantsUnicode } from '../../core/look.ts';
import { clock } from '../../system/clock.ts';
import { oneLine } from '../../core/transcript/cells.ts';
import { Editor } from './editor.ts';
import { type FooterFacts, footerOf, type Meter } from './footer.ts';
import { createKeyReader, type Key } from './keys.ts';
import type { Pane, PaneInput, PaneStatus } from './pane.ts';
import { Screen, type Size } from './screen.ts';
import { clip, type Row, rowCells, span, spread } from '../../core/transcript/style.ts';
import { Transcript } from '../../core/transcript/transcript.ts';

/** Streamed text moves the footer at most this often. Milliseconds. */
const STREAM_EVERY_MS = 200;
/** Streamed text kept for the footer. Characters. */
const STREAM_TAIL = 400;

/** A pane on the controlling terminal; a silent one where there is none. */
export function openPane(input: PaneInput): Pane {
  return new TerminalPane(input);
}

class TerminalPane implements Pane {
  readonly #input: PaneInput;
  readonly #screen: Screen;
  readonly #editor = new Editor();
  readonly #readKeys = createKeyReader();
  readonly #transcript = new Transcript({ name: 'agent', cwd: null });
  readonly #unicode = wantsUnicode(process.env);
  #status: PaneStatus = { state: 'starting', since: clock.now(), queued: 0, budget: null, alarm: null };
  #meter: Meter = { contextUsed: null, contextLimit: null, costUsd: null };
  #limit: FooterFacts['limit'] = null;
  #streaming = '';
  #streamDue = false;
  #header = '';
  /** Open permission requests: `y` and `n` answer the first. */
  readonly #asking = new Set<string>();
  /** Ctrl-C was pressed in this turn already. */
  #interrupted = false;
  #stdin: ReadStream | null = null;

  constructor(input: PaneInput) {
    this.#input = input;
    this.#screen = new Screen({
      path: '/dev/tty',
      color: !process.env['NO_COLOR'],
      size: () => this.#size(),
      footer: (width) => footerOf(this.#facts(), this.#editor, width),
      skipped: (count) => [
        span(`… ${count} rows are not shown here: tutti logs ${this.#transcript.facts.name}`, 'dim'),
      ],
    });
    this.#listen();
  }

  get blind(): boolean {
    return this.#screen.blind;
  }

  header(view: ConfigureArgs['view'], cwd: string | null): void {
    const parts = [view.name, [view.cli, view.model].filter(Boolean).join(' '), view.task, view.branch];
    const text = parts
      .filter((part) => part)
      .map((part) => oneLine(part ?? ''))
      .join(' · ');
    this.#transcript.facts = { name: view.name || 'agent', cwd };
    if (text === this.#header) return;
    this.#header = text;
    this.#screen.print((width) => [headerRow(text, width, this.#unicode)]);
  }

  record(body: RecordBody, at: number): void {
    if (body.kind === 'request' && body.what === 'permission') this.#asking.add(body.requestId);
    else if (body.kind === 'answered') this.#asking.delete(body.requestId);
    const block = this.#transcript.record(body, at);
    if (block) this.#screen.print(block);
  }

  events(events: DriverEventBody[], at: number): void {
    for (const event of events) {
      if (event.type === 'usage') this.#measure(event);
      if (event.type === 'turn') this.#interrupted = false;
      this.#noteLimit(event, at);
      if (event.type === 'message' || event.type === 'thinking' || event.type === 'turn') this.#streaming = '';
      const block = this.#transcript.event(event, at);
      if (block) this.#screen.print(block);
    }
    this.#screen.refresh();
  }

  delta(text: string): void {
    this.#streaming = (this.#streaming + text).slice(-STREAM_TAIL);
    if (this.#streamDue || this.blind) return;
    this.#streamDue = true;
    clock.setTimeout(() => {
      this.#streamDue = false;
      this.#screen.refresh();
    }, STREAM_EVERY_MS);
  }

  status(status: PaneStatus): void {
    this.#status = status;
    if (status.state !== 'working' && status.state !== 'waiting') this.#streaming = '';
    this.#screen.refresh();
  }

  close(): void {
    this.#screen.close();
    this.#stdin?.destroy();
    this.#stdin = null;
  }

  #noteLimit(event: DriverEventBody, at: number): void {
    if (event.type === 'turn' && event.phase === 'start') this.#limit = null;
    if (event.type !== 'rate_limit' || event.limit !== 'rejected') return;
    const after = event.retryAfterMs === null ? null : at + event.retryAfterMs;
    this.#limit = { scope: event.scope, resetsAt: event.resetsAt === null ? after : Date.parse(event.resetsAt) };
  }

  #measure(usage: Extract<DriverEventBody, { type: 'usage' }>): void {
    const { contextUsed, contextLimit, costUsd } = this.#meter;
    this.#meter = {
      contextUsed: usage.contextUsed ?? contextUsed,
      contextLimit: usage.contextLimit ?? contextLimit,
      costUsd: usage.costUsd === null ? costUsd : (costUsd ?? 0) + usage.costUsd,
    };
  }

  #facts() {
    return {
      status: this.#status,
      meter: this.#meter,
      limit: this.#limit,
      running: this.#transcript.running,
      streaming: this.#streaming,
      unicode: this.#unicode,
      cwd: this.#transcript.facts.cwd,
    };
  }

  /** Asks the terminal each time: its own word is older than the signal that announces a change. */
  #size(): Size {
    const [cols, rows] = process.stdout.isTTY ? process.stdout.getWindowSize() : [80, 24];
    return { cols, rows };
  }

  #listen(): void {
    if (this.blind || !process.stdin.isTTY) return;
    const { stdin } = process;
    this.#stdin = stdin;
    stdin.setRawMode(true);
    stdin.on('data', (bytes: Buffer) => {
      for (const key of this.#readKeys(bytes)) this.#key(key);
      this.#screen.refresh();
    });
    // A dead terminal ends or fails: the host works on without it.
    stdin.on('error', () => this.#screen.lost());
    stdin.on('end', () => this.#screen.lost());
    process.on('SIGWINCH', () => this.#screen.resized());
  }

  #key(key: Key): void {
    if (key.kind === 'text' && this.#answers(key.text)) return;
    if (key.kind === 'key') {
      if (key.name === 'interrupt') return this.#interrupt();
      if (key.name === 'end-of-input') return this.#explain('Ctrl-b d leaves this pane');
      if (key.name === 'redraw') return this.#screen.refresh();
    }
    const text = this.#editor.take(key);
    if (text !== null) this.#input.typed({ key: 'text', text });
  }

  #answers(text: string): boolean {
    if (this.#asking.size === 0 || !this.#editor.empty || (text !== 'y' && text !== 'n')) return false;
    this.#input.typed({ key: text === 'y' ? 'allow' : 'deny' });
    return true;
  }

  #interrupt(): void {
    const { state } = this.#status;
    if (state === 'working' || state === 'waiting') {
      if (!this.#interrupted) this.#input.typed({ key: 'interrupt' });
      else this.#explain('the turn was told to stop');
      this.#interrupted = true;
      return;
    }
    if (!this.#editor.empty) return this.#editor.clear();
    this.#explain('no turn runs');
  }

  #explain(what: string): void {
    const { name } = this.#transcript.facts;
    const text = `${what}; Ctrl-b d detaches, tutti stop ${name} ends the agent`;
    this.#screen.print((width) => [spread([span('         '), span(text, 'dim')], [], width)]);
  }
}

function headerRow(text: string, width: number, unicode: boolean): Row {
  const dash = unicode ? '─' : '-';
  const head: Row = clip([span(`${dash}${dash} `, 'dim'), span(text, 'bold'), span(' ')], width);
  return [...head, span(dash.repeat(Math.max(0, width - rowCells(head))), 'dim')];
}
