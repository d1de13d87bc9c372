/** The `notify` section of config.yaml: who is told of alerts, from which severity on, and when not. */
import { z } from 'zod';
import { SEVERITIES } from '../alerts/alert.ts';
import { NOTIFICATIONS_KEPT } from '../limits.ts';
import { isTimeZone, parseTimeOfDay } from '../local-time.ts';
import { parseDuration } from './duration.ts';

const duration = (what: string) =>
  z
    .string()
    .refine((text) => parseDuration(text) !== null, { error: 'a duration such as 250ms, 30s, 5m or 2h' })
    .meta({ description: what });

const timeOfDay = (what: string) =>
  z
    .string()
    .refine((text) => parseTimeOfDay(text) !== null, { error: 'a time of day such as 22:00' })
    .meta({ description: what });

const severity = z.enum(SEVERITIES).optional();

const variables = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/g;

/** A webhook's address: https, or http to this machine. Variables in it are filled in later. */
function isWebhookUrl(text: string): boolean {
  if (/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(text)) return true;
  try {
    const url = new URL(text.replaceAll(variables, 'x'));
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

const desktop = z.strictObject({ type: z.literal('desktop'), severity });
const command = z.strictObject({
  type: z.literal('command'),
  command: z.array(z.string().min(1)).min(1),
  severity,
});
const webhook = z.strictObject({
  type: z.literal('webhook'),
  url: z.string().refine(isWebhookUrl, { error: 'an https address, or http to this machine' }),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'a header name' }), z.string())
    .optional()
    .meta({ description: 'further headers; `${VAR}` is filled in' }),
  severity,
});

const sink = z.discriminatedUnion('type', [desktop, command, webhook]);
const sinks = z
  .array(sink)
  .max(16)
  .meta({
    description:
      'list of sinks, each with `type` and `severity` (the lowest it takes, default `warning`): `{type: desktop}` shows a bubble; ' +
      '`{type: command, command: [PROGRAM, ARGS…]}` gets the alert as JSON on stdin and as TUTTI_ALERT_* variables; ' +
      '`{type: webhook, url: …, headers: {…}}` posts it as JSON to an https address (http to this machine alone), `${VAR}` filled in',
  });

const options = z.strictObject({
  sinks,
  quiet: z
    .strictObject({
      from: timeOfDay('only urgent alerts pass from here on'),
      to: timeOfDay('until here, next day or same'),
    })
    .refine(({ from, to }) => from !== to, { error: 'two different times: from and to are the same' })
    .optional(),
  repeat: duration('a cause that lasts is told again after this (default: 1h)').optional(),
  remind: duration('an open request is told of again after this, for a day (default: 4h; 0s: never)').optional(),
  rate: z
    .strictObject({
      max: z
        .number()
        .int()
        .min(1)
        .max(NOTIFICATIONS_KEPT)
        .meta({
          description:
            'notifications within the window (default: 10); what is beyond is gathered into the next one; urgent ones pass',
        })
        .optional(),
      within: duration('the window (default: 10m)').optional(),
    })
    .optional(),
  digest: timeOfDay('a digest of the last 24 hours is sent every day at this time (default: never)').optional(),
  timezone: z
    .string()
    .refine(isTimeZone, { error: 'a zone such as Europe/Berlin' })
    .meta({ description: 'zone of quiet and digest (default: that of the machine)' })
    .optional(),
});

/** A list of sinks, or a map with the list and more. */
export const notify = z.preprocess((value) => (Array.isArray(value) ? { sinks: value } : value), options);

export type NotifyConfig = z.output<typeof options>;
export type SinkConfig = z.infer<typeof sink>;
