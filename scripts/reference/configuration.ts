/** docs/reference/configuration.md: every key of tutti.yaml with its type, from the published schema; and every default. */
import { projectJsonSchema, userJsonSchema } from '../../src/core/config/schema.ts';
import { DEFAULTS } from '../../src/core/config/settings.ts';
import { formatDuration } from '../../src/core/config/duration.ts';

interface Node {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  description?: string;
  default?: unknown;
  pattern?: string;
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
}

export function configurationPage(): string {
  const rows: string[] = [];
  walk(projectJsonSchema() as Node, '', rows);
  const user: string[] = [];
  walk(userJsonSchema() as Node, '', user);
  const keyOf = (row: string): string => row.split('|')[1] ?? '';
  const shared = new Set(rows.map(keyOf));
  const own = user.filter((row) => !shared.has(keyOf(row)));
  const { restarts, backoff, limit, maxStarts } = DEFAULTS;
  const defaults: [string, string, string][] = [
    ['watchdog.restarts.max', String(restarts.max), 'unexpected ends within the window before an agent is `failed`'],
    ['watchdog.restarts.within', formatDuration(restarts.withinMs), 'the window; it slides, so the breaker decays'],
    [
      'watchdog.backoff.base',
      formatDuration(backoff.baseMs),
      'second restart waits up to this (full jitter), doubling; the first is at once',
    ],
    ['watchdog.backoff.cap', formatDuration(backoff.capMs), 'longest wait before a restart'],
    [
      'watchdog.backoff.resetAfter',
      formatDuration(backoff.resetAfterMs),
      'healthy for this long: the doubling starts over',
    ],
    ['watchdog.limit.base', formatDuration(limit.baseMs), 'first wait at a limit without a reset time, doubling'],
    ['watchdog.limit.cap', formatDuration(limit.capMs), 'longest such wait'],
    ['limits.starts (config.yaml)', String(maxStarts), 'CLIs that start at the same time'],
  ];
  return [
    '# Configuration',
    '',
    'Generated from the schema by `npm run docs`. `tutti config schema` prints the same as JSON Schema, `tutti config check` checks a file.',
    '',
    '## Keys of tutti.yaml',
    '',
    '| key | value |',
    '|---|---|',
    ...rows,
    '',
    '`<name>` is 1-32 of `a-z 0-9 - _`, starting with a letter. `${VAR}` in the values of `env` is read from the environment of the command that loads the file.',
    'config.yaml (`$XDG_CONFIG_HOME/tutti/config.yaml`, or `TUTTI_CONFIG`) takes `defaults`, `clis`, `accounts` and `watchdog` too, and the keys below; the project wins key by key.',
    '',
    '## Keys of config.yaml alone',
    '',
    'They hold for the whole home. `notify` is a list of sinks, or a map with these keys. An alert is told once for each cause; what comes together is told together.',
    'Severities: `info` = an agent is held by a limit; `warning` = an agent waits for a person or has given up, the digest; `urgent` = it concerns the whole fleet or the machine.',
    '',
    '| key | value |',
    '|---|---|',
    ...own,
    '',
    '## Advice (`watchdog.triage`)',
    '',
    'Layer 2 of the watchdog: what the rules are not sure of (a long tool call, many failed calls, the same words again and again, a turn that ends in a question',
    'or in giving up) is put to a model, with the evidence and the latest events, secrets replaced. It chooses one of six verdicts; the ladder decides what comes of it and',
    'never goes beyond its next rung. One question at a time for an agent, three in all, 30 s each; whatever goes wrong counts as `extend`. Each answer is a `watchdog`',
    'event of layer 2 with its reason and what it has cost. The key comes from the named account of this file and from nowhere else.',
    '',
    '## Defaults',
    '',
    '| key | default | what |',
    '|---|---|---|',
    ...defaults.map((row) => `| \`${row[0]}\` | ${row[1]} | ${row[2]} |`),
    '',
  ].join('\n');
}

function walk(node: Node, path: string, rows: string[]): void {
  for (const [key, child] of Object.entries(node.properties ?? {}))
    visit(child, path === '' ? key : `${path}.${key}`, rows);
  if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.<name>`, rows);
}

function visit(node: Node, path: string, rows: string[]): void {
  const object =
    node.properties || typeof node.additionalProperties === 'object'
      ? node
      : node.anyOf?.find((each) => each.properties);
  if (object) return walk(object, path, rows);
  rows.push(`| \`${path}\` | ${typeText(node)} |`);
}

function typeText(node: Node): string {
  if (node.description && node.default !== undefined) return `${node.description} (default: ${String(node.default)})`;
  if (node.description) return node.description;
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.type === 'array') return `list of ${node.items?.type ?? 'values'}`;
  return node.type ?? 'any value';
}
