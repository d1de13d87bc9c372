/** Runs a built-in agent in this process against the embedded scripted model. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { AgentOptions } from '../../../src/agents/index.ts';
import { runOnce, runStdio } from '../../../src/agents/run.ts';
import {
  type ScriptedModel,
  type ScriptedModelOptions,
  startScriptedModel,
} from '../../../src/agents/scripted-model/index.ts';
import type { AgentInput, AgentOutput } from '../../../src/drivers/builtin/wire.ts';
import { waitFor } from '../../support/wait.ts';

export interface Bench {
  model: ScriptedModel;
  /** Working folder. */
  cwd: string;
  /** Folder of the record. */
  dir: string;
  options: AgentOptions;
  close(): Promise<void>;
}

/** A model, a folder, and options for an agent in it. */
export async function bench(options: Partial<AgentOptions> = {}, scripted: ScriptedModelOptions = {}): Promise<Bench> {
  process.env['ANTHROPIC_API_KEY'] = 'dummy';
  const model = await startScriptedModel(scripted);
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-agent-')));
  return {
    model,
    cwd: root,
    dir: join(root, '.record'),
    options: {
      version: 'v1',
      model: 'scripted-test',
      cwd: root,
      baseURL: model.urlFor('agent'),
      record: join(root, '.record'),
      resume: null,
      conversationId: null,
      gate: false,
      systemPrompt: null,
      cliVersion: null,
      bashLimitMs: null,
      maxRounds: null,
      ...options,
    },
    close: async () => {
      await model.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Lines that an agent wrote. */
class Lines {
  readonly all: AgentOutput[] = [];
  readonly stream = new PassThrough();
  #rest = '';

  constructor() {
    this.stream.setEncoding('utf8');
    this.stream.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.all.push(JSON.parse(line) as AgentOutput);
    });
  }

  of<T extends AgentOutput['type']>(type: T): Extract<AgentOutput, { type: T }>[] {
    return this.all.filter((line): line is Extract<AgentOutput, { type: T }> => line.type === type);
  }
}

export interface Run {
  code: number;
  lines: AgentOutput[];
}

export async function once(options: AgentOptions, prompt: string): Promise<Run> {
  const lines = new Lines();
  const stop = new AbortController();
  const code = await runOnce(options, prompt, { stdout: lines.stream, stderr: new PassThrough(), signal: stop.signal });
  lines.stream.end();
  await waitFor('all lines read', () => lines.stream.readableEnded);
  return { code, lines: lines.all };
}

export interface Live {
  lines: Lines;
  send(line: AgentInput): void;
  raw(text: string): void;
  /** Waits for a line. */
  line(what: string, matches: (line: AgentOutput) => boolean): Promise<AgentOutput>;
  /** Ends of turns so far, waiting for at least this many. */
  ends(count: number): Promise<Extract<AgentOutput, { type: 'turn'; phase: 'end' }>[]>;
  /** Tells the process to end, as a signal would. */
  stop(): Promise<number>;
  /** Ends stdin and waits for the exit code. */
  finish(): Promise<number>;
}

export function live(options: AgentOptions): Live {
  const lines = new Lines();
  const stdin = new PassThrough();
  const stop = new AbortController();
  const over = runStdio(options, { stdin, stdout: lines.stream, stderr: new PassThrough(), signal: stop.signal });
  const isEnd = (line: AgentOutput) => line.type === 'turn' && line.phase === 'end';
  return {
    lines,
    send: (line) => stdin.write(`${JSON.stringify(line)}\n`),
    raw: (text) => stdin.write(text),
    line: (what, matches) => waitFor(what, () => lines.all.find(matches)),
    ends: (count) =>
      waitFor(`${count} ends of turns`, () => {
        const ends = lines.all.filter(isEnd) as Extract<AgentOutput, { type: 'turn'; phase: 'end' }>[];
        return ends.length >= count ? ends : null;
      }),
    stop: () => {
      stop.abort();
      return over;
    },
    finish: () => {
      stdin.end();
      return over;
    },
  };
}
