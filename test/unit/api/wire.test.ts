import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  type agentSchema,
  answerSchema,
  applySchema,
  eventsQuerySchema,
  messageSchema,
  spawnSchema,
} from '../../../src/api/wire.ts';
import { clientFrameSchema } from '../../../src/api/wire-frames.ts';
import type { AgentObject } from '../../../src/supervisor/core.ts';
import type { Declared } from '../../../src/supervisor/facade.ts';

/** The wire and the facade agree: a mismatch is a type error here. */
const AGREED = {
  agent: (agent: z.infer<typeof agentSchema>): AgentObject => agent,
  declared: (spawn: z.infer<typeof spawnSchema>): Declared => spawn,
};

describe('requests', () => {
  it('have every key that the facade wants', () => {
    const declared = AGREED.declared(spawnSchema.parse({ name: 'alice' }));
    expect(Object.values(declared)).not.toContain(undefined);
  });

  it('have every default filled in', () => {
    expect(spawnSchema.parse({ name: 'alice' })).toMatchObject({
      ...{ name: 'alice', project: 'default', cli: 'claude', permissions: 'auto', restart: 'transient', once: false },
      ...{ budget: { usd: null, tokens: null }, settings: {}, launch: null, task: null, cwd: null },
    });
  });

  it.each([
    ['a capital', 'Alice'],
    ['a digit first', '1a'],
    ['33 characters', 'a'.repeat(33)],
    ['a dot', 'a.b'],
    ['a slash', '../x'],
    ['nothing', ''],
  ])('refuse a name with %s', (_id, name) => {
    expect(spawnSchema.safeParse({ name }).success).toBe(false);
  });

  it.each([
    ['an unknown key', spawnSchema, { name: 'a', modle: 'x' }],
    ['an empty message', messageSchema, { content: '' }],
    ['a message id that is no UUID', messageSchema, { content: 'x', messageId: '1' }],
    ['an answer without words', answerSchema, { decision: 'answer' }],
    ['a negative budget', spawnSchema, { name: 'a', budget: { usd: -1 } }],
    ['a variable name with a blank', spawnSchema, { name: 'a', launch: { env: { 'A B': 'x' } } }],
    ['a project without a hash', applySchema, { project: 'p', config: {}, agents: [] }],
    ['an unknown event type', eventsQuerySchema, { types: 'nope' }],
    ['a frame without a type', clientFrameSchema, { id: 1 }],
  ])('refuse %s', (_id, schema, value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });

  it.each([
    ['a seq', '17'],
    ['a UTC time', '2026-01-02T03:04:05.678Z'],
    ['a time with an offset', '2026-01-02T03:04:05+02:00'],
  ])('take %s as since', (_id, since) => {
    expect(eventsQuerySchema.parse({ since }).since).toBe(since);
  });

  it('read lists of agents and types from one parameter', () => {
    expect(eventsQuerySchema.parse({ agents: 'a,b,', types: 'turn,exit' })).toMatchObject({
      agents: ['a', 'b'],
      types: ['turn', 'exit'],
    });
  });
});
