/** docs/reference/events.md: the event types with their fields, from the schema that checks them. */
import { z } from 'zod';
import { eventSchema } from '../../src/core/event-schema.ts';

interface Node {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Node[];
  oneOf?: Node[];
  allOf?: Node[];
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
}

export function eventsPage(): string {
  const schema = z.toJSONSchema(eventSchema, { unrepresentable: 'any', io: 'output' }) as Node;
  const variants = flatten(schema).filter((node) => node.properties?.type?.const !== undefined);
  const rows = new Map<string, Set<string>>();
  for (const variant of variants) {
    const type = String(variant.properties?.type?.const);
    const fields = rows.get(type) ?? new Set<string>();
    for (const [key, node] of Object.entries(variant.properties ?? {})) {
      if (key !== 'type' && (!ENVELOPE.has(key) || STANDS_IN[type] === key)) fields.add(`\`${key}\` ${typeOf(node)}`);
    }
    rows.set(type, fields);
  }
  return [
    '# Events',
    '',
    'Generated from the schema by `npm run docs`. Every event has the envelope `seq at agentId agent incarnation` and, where they apply,',
    '`cause` (who or what brought it about), `src` (the journal record it was read from), and `bytes` with `ref` for a field cut to its first 4 KiB.',
    '',
    '| type | fields |',
    '|---|---|',
    ...[...rows].map(([type, fields]) => `| \`${type}\` | ${[...fields].join(' · ') || '–'} |`),
    '',
  ].join('\n');
}

const ENVELOPE = new Set(['seq', 'at', 'agentId', 'agent', 'incarnation', 'cause', 'src', 'bytes', 'ref']);

/** Fields of these types that stand in place of the envelope's own. */
const STANDS_IN: Record<string, string> = { agent_spawned: 'agent', exit: 'cause' };

function flatten(node: Node): Node[] {
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives) return alternatives.flatMap(flatten);
  if (node.allOf) {
    const parts = node.allOf.map(flatten);
    return parts.reduce<Node[]>(
      (all, each) =>
        all.length === 0
          ? each
          : all.flatMap((a) => each.map((b) => ({ properties: { ...a.properties, ...b.properties } }))),
      [],
    );
  }
  return [node];
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum) return node.enum.map((value) => JSON.stringify(value)).join('/');
  const alternatives = node.anyOf ?? node.oneOf;
  if (alternatives) return [...new Set(alternatives.map(typeOf))].join('/');
  if (node.type === 'array') return `${node.items ? typeOf(node.items) : ''}[]`;
  return Array.isArray(node.type) ? node.type.join('/') : (node.type ?? 'any');
}
