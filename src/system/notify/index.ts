/**
 * Tells people: a desktop bubble, a command, a webhook. Every sink has a time limit; one that fails or hangs costs nobody
 * anything but its own record.
 */
import { wordsFor } from '../../core/alerts/words.ts';
import type { Notification } from '../../core/alerts/alert.ts';
import { floorOf } from '../../core/config/notify.ts';
import type { SinkConfig } from '../../core/config/notify-schema.ts';
import type { Notifier, SinkOutcome } from '../../supervisor/ports.ts';
import { secretText } from '../redact.ts';
import { commandSink } from './command.ts';
import { desktopSink } from './desktop.ts';
import { documentOf, type Sink } from './sink.ts';
import { fillIn } from './variables.ts';
import { webhookSink } from './webhook.ts';

export interface NotifierOptions {
  sinks: SinkConfig[];
  /** What `${VAR}` in addresses and headers is filled in from. */
  variables: Record<string, string | undefined>;
  /** Environment of the supervisor: PATH, and what a desktop needs. */
  env: Record<string, string | undefined>;
  /** Where commands run. */
  cwd: string;
  /** The waits between the attempts at a webhook; for tests. Milliseconds. */
  retryMs?: number[];
}

/** Longest reason of a failure that is kept. Characters. */
const REASON_CHARS = 300;

export function createNotifier(options: NotifierOptions): Notifier {
  const ended = new AbortController();
  const sinks = options.sinks.map((config) => ({ floor: floorOf(config), ...sinkOf(config, options, ended.signal) }));
  const secrets = secretText(Object.assign({}, ...sinks.map((sink) => sink.secrets)) as Record<string, string>);
  const tell = async (sink: (typeof sinks)[number], notification: Notification): Promise<SinkOutcome[]> => {
    const words = wordsFor(notification, sink.floor);
    if (!words) return [];
    let error: string | null;
    try {
      error = await sink.send({ words, document: documentOf(notification, words) });
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown);
    }
    return [{ sink: sink.label, error: error === null ? null : secrets.redact(error).slice(0, REASON_CHARS) }];
  };
  return {
    send: async (notification) => (await Promise.all(sinks.map((sink) => tell(sink, notification)))).flat(),
    close: () => ended.abort(),
  };
}

function sinkOf(config: SinkConfig, options: NotifierOptions, ended: AbortSignal): Sink {
  if (config.type === 'desktop') return desktopSink(options.env);
  if (config.type === 'command') return commandSink(config.command, options);
  const url = fillIn(config.url, options.variables);
  const headers = Object.entries(config.headers ?? {}).map(([name, value]) => ({
    name,
    ...fillIn(value, options.variables),
  }));
  return webhookSink({ url, headers, ended, retryMs: options.retryMs });
}
