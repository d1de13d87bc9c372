/** The routes of contract.md §6 over the facade: parse, call, answer. No decision is made here. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import type { Act, Asker, EventFilter, Facade } from '../supervisor/facade.ts';
import { Refusal } from '../supervisor/facade.ts';
import { answerFor, invalid } from './errors.ts';
import {
  ACTION_VERBS,
  API_VERSION,
  actionSchemas,
  answerSchema,
  applySchema,
  BODY_LIMIT,
  CALLER_HEADER,
  commandIdSchema,
  digestQuerySchema,
  downSchema,
  eventsQuerySchema,
  IDEMPOTENCY_HEADER,
  logQuerySchema,
  messageSchema,
  scheduleRequestSchema,
  spawnSchema,
} from './wire.ts';

export type Report = (text: string) => void;

/** @param report told of every answer with status 500. */
export function createApp(facade: Facade, report: Report): Hono {
  const app = new Hono();
  app.use('*', limitBody());
  app.onError((error, c) => {
    const { status, body } = answerFor(error);
    if (status === 500) report(`${c.req.method} ${c.req.path}: ${error.stack ?? error.message}`);
    return c.json(body, status as 400);
  });
  app.notFound((c) => {
    const { body } = answerFor(notFound(c.req.method, c.req.path));
    return c.json(body, 404);
  });
  agentRoutes(app, facade);
  eventRoutes(app, facade);
  fleetRoutes(app, facade);
  scheduleRoutes(app, facade);
  return app;
}

function notFound(method: string, path: string): Refusal {
  return new Refusal({ code: 'NOT_FOUND', message: `no route ${method} ${path}`, hint: 'docs/api.md lists them' });
}

function limitBody(): ReturnType<typeof bodyLimit> {
  return bodyLimit({
    maxSize: BODY_LIMIT,
    onError: () => {
      const message = `the body has more than ${BODY_LIMIT} bytes`;
      throw new Refusal({ code: 'INVALID_ARGUMENT', message, hint: 'put a long text into a file and name it' }, 413);
    },
  });
}

/** The body as the schema has it; an empty one counts as `{}`. */
async function bodyOf<S extends z.ZodType>(c: Context, schema: S): Promise<z.output<S>> {
  const text = await c.req.text();
  let value: unknown = {};
  if (text.trim() !== '') {
    try {
      value = JSON.parse(text);
    } catch (error) {
      const message = `the body is not JSON: ${(error as Error).message}`;
      throw new Refusal({ code: 'INVALID_JSON', message, hint: null });
    }
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error, 'body');
  return parsed.data;
}

function queryOf<S extends z.ZodType>(c: Context, schema: S): z.output<S> {
  const parsed = schema.safeParse(c.req.query());
  if (!parsed.success) throw invalid(parsed.error, 'query');
  return parsed.data;
}

function askerOf(c: Context): Asker {
  const key = c.req.header(IDEMPOTENCY_HEADER);
  const commandId = key === undefined ? null : commandIdSchema.safeParse(key);
  if (commandId && !commandId.success) throw invalid(commandId.error, IDEMPOTENCY_HEADER);
  return { marker: c.req.header(CALLER_HEADER) ?? null, commandId: commandId?.data ?? null };
}

const idOf = (c: Context): string => c.req.param('id') ?? '';

function agentRoutes(app: Hono, facade: Facade): void {
  app.get('/api/agents', (c) => {
    const { recovering, seq } = facade.health();
    return c.json({ agents: facade.list(), recovering, seq });
  });
  app.post('/api/agents', async (c) => c.json(await facade.spawn(await bodyOf(c, spawnSchema), askerOf(c)), 201));
  app.get('/api/agents/:id', (c) => c.json(facade.get(idOf(c))));
  app.delete('/api/agents/:id', async (c) => c.json({ removed: true, ...(await facade.remove(idOf(c), askerOf(c))) }));
  app.post('/api/agents/:id/message', async (c) => {
    const { content, now, messageId } = await bodyOf(c, messageSchema);
    return c.json(await facade.send(idOf(c), { content, now, messageId: messageId ?? null }, askerOf(c)), 202);
  });
  for (const verb of ACTION_VERBS) {
    app.post(`/api/agents/:id/${verb}`, async (c) => {
      const options = await bodyOf(c, actionSchemas[verb]);
      return c.json(await facade.act(idOf(c), { verb, ...options } as Act, askerOf(c)));
    });
  }
  app.get('/api/agents/:id/why', async (c) => c.json(await facade.why(idOf(c))));
  app.get('/api/agents/:id/log', async (c) => {
    const { event, from, limit } = queryOf(c, logQuerySchema);
    if (event !== undefined) return c.json(await facade.fullEvent(idOf(c), event));
    const [epoch = 0, offset = 0] = (from ?? '').split(':').map(Number);
    return c.json(await facade.rawLog(idOf(c), from === undefined ? null : { epoch, offset }, limit));
  });
}

function eventRoutes(app: Hono, facade: Facade): void {
  const answer = async (c: Context, agents: string[] | null): Promise<Response> => {
    const { since, limit, types } = queryOf(c, eventsQuerySchema);
    const filter: EventFilter = { agents, types: types ?? null };
    const from = since === undefined ? 0 : /^\d+$/.test(since) ? Number(since) : since;
    const page = await facade.events(from, filter, limit);
    if (!(c.req.header('accept') ?? '').includes('ndjson')) return c.json(page);
    const lines = page.events.map((event) => `${JSON.stringify(event)}\n`).join('');
    return c.body(lines, 200, { 'content-type': 'application/x-ndjson', 'x-tutti-next': String(page.next) });
  };
  app.get('/api/events', (c) => {
    const { agents } = queryOf(c, eventsQuerySchema);
    return answer(c, agents ? facade.resolve(agents) : null);
  });
  app.get('/api/agents/:id/events', (c) => answer(c, facade.resolve([idOf(c)])));
}

function fleetRoutes(app: Hono, facade: Facade): void {
  app.get('/api/health', (c) => c.json({ ok: true, api: API_VERSION, ...facade.health() }));
  app.get('/api/fleet', (c) => c.json(facade.fleet()));
  app.get('/api/digest', async (c) => c.json(await facade.digest(queryOf(c, digestQuerySchema).since)));
  app.get('/api/requests', (c) => c.json({ requests: facade.requests() }));
  app.post('/api/requests/:id', async (c) => {
    return c.json(await facade.answer(idOf(c), await bodyOf(c, answerSchema), askerOf(c)));
  });
  app.post('/api/apply', async (c) => c.json(await facade.apply(await bodyOf(c, applySchema), askerOf(c))));
  app.post('/api/down', async (c) => {
    const { project, all } = await bodyOf(c, downSchema);
    if (project === null && !all) {
      const hint = 'POST {"project":"name"} or {"all":true}';
      throw new Refusal({ code: 'INVALID_ARGUMENT', message: 'down needs a project, or all', hint }, 422);
    }
    return c.json(await facade.down(all ? null : project, askerOf(c)));
  });
  app.post('/api/supervisor/stop', (c) => c.json({ stopping: true, ...facade.stopSupervisor(askerOf(c)) }));
}

function scheduleRoutes(app: Hono, facade: Facade): void {
  app.get('/api/schedules', (c) => c.json({ schedules: facade.schedules() }));
  app.post('/api/schedules', async (c) =>
    c.json(await facade.schedule(await bodyOf(c, scheduleRequestSchema), askerOf(c)), 201),
  );
  const remove = async (c: Context): Promise<Response> =>
    c.json({ removed: true, ...(await facade.unschedule(idOf(c), askerOf(c))) });
  app.delete('/api/schedules/:id', remove);
  app.post('/api/schedules/:id/rm', remove);
}
