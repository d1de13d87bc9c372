import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../src/core/event.ts';
import { message, Talk, written } from './talk.ts';

const STREAMS = fileURLToPath(new URL('../../../streams/codex/', import.meta.url));
const recorded = (name: string): { out: string[]; stdin: JsonObject[] } => ({
  out: readFileSync(`${STREAMS}${name}.jsonl`, 'utf8').trim().split('\n'),
  stdin: JSON.parse(readFileSync(`${STREAMS}${name}.meta.json`, 'utf8')).stdin.map(({ line }: { line: string }) =>
    JSON.parse(line),
  ),
});

/** Recorded requests have numbers; ours have names: the recorded answers are given to our requests of the same place. */
describe.each(['app-server', 'app-server-approval'])('the recorded conversation %s', (name) => {
  const { out, stdin } = recorded(name);
  const requests = stdin.filter((line) => typeof line.method === 'string' && line.id !== undefined);

  test('is held in the same words by our protocol', () => {
    const first = stdin.find(({ method }) => method === 'thread/start')?.params as JsonObject;
    const talk = new Talk({ permissions: first.sandbox === 'danger-full-access' ? 'bypass' : 'auto' });
    const ours = new Map<number, string>();
    const said: JsonObject[] = [];
    const say = (lines: JsonObject[]): void => {
      for (const line of lines) {
        said.push(line);
        if (typeof line.id === 'string') ours.set(Number(requests[ours.size]?.id), line.id);
      }
    };
    say(written(talk.did(talk.protocol.begin())));
    const approvals: JsonObject[] = stdin.filter((line) => line.result !== undefined);
    const clientIds = new Map<string, string>();
    for (const text of out) {
      const line = JSON.parse(text);
      named(line, clientIds, said);
      const id = line.method === undefined ? ours.get(line.id) : undefined;
      // The thread is opened in the same way; then a person sends what was sent when it was recorded.
      const actions = talk.hears(id === undefined ? line : { ...line, id });
      say(written(actions));
      for (const action of actions) {
        if (action.do !== 'judge') continue;
        const decision = (approvals.shift()?.result as JsonObject | undefined)?.decision;
        const verdict =
          decision === 'accept' ? { decision: 'allow' as const } : { decision: 'deny' as const, reason: 'no' };
        say(written(talk.did(talk.protocol.answer(action.key, verdict))));
      }
      while (due(talk, requests[ours.size], line)) say(deliver(talk, requests[ours.size] ?? {}));
    }
    const kind = ({ method, result }: JsonObject) => method ?? JSON.stringify(result);
    const recordedKinds = stdin.map(kind);
    // After the interrupt we also ask for the command that it left running.
    expect(said.map(kind).slice(0, recordedKinds.length)).toEqual(recordedKinds);
    expect(said.slice(recordedKinds.length).map(kind)).toEqual(
      name === 'app-server' ? ['thread/backgroundTerminals/list'] : [],
    );
  });
});

/** The recorded person gave its messages no id: they get the ids of ours, in order. */
function named(line: JsonObject, clientIds: Map<string, string>, said: JsonObject[]): void {
  const item = (line.params as JsonObject | undefined)?.item as JsonObject | undefined;
  if (item?.type !== 'userMessage') return;
  const sent = said.flatMap(({ params }) => {
    const id = (params as JsonObject | undefined)?.clientUserMessageId;
    return typeof id === 'string' ? [id] : [];
  });
  const itemId = String(item.id);
  if (!clientIds.has(itemId)) clientIds.set(itemId, sent[clientIds.size] ?? '');
  item.clientId = clientIds.get(itemId) ?? null;
}

/** Whether the recorded person acts behind this line: a turn begins when none runs; steering and interrupts come in mid-command. */
function due(talk: Talk, next: JsonObject | undefined, line: JsonObject): boolean {
  if (next === undefined) return false;
  if (next.method === 'turn/start')
    return !talk.protocol.turn && (line.method === 'turn/completed' || line.result !== undefined);
  const item = (line.params as JsonObject | undefined)?.item as JsonObject | undefined;
  return line.method === 'item/started' && item?.type === 'commandExecution' && talk.protocol.turn;
}

function deliver(talk: Talk, request: JsonObject): JsonObject[] {
  if (request.method === 'turn/interrupt') return written(talk.did(talk.protocol.interrupt()));
  const outgoing = { ...message(`r${request.id}`), now: request.method === 'turn/steer' };
  return written(talk.did(talk.protocol.message(outgoing)));
}
