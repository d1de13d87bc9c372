import { describe, expect, it } from 'vitest';
import { followTurn, isMet } from '../../../src/client/wait.ts';
import type { TuttiEvent } from '../../../src/core/event.ts';

type Said = 'sent' | 'confirmed' | 'refused' | 'other' | 'start' | 'end' | 'interrupted' | 'say';

const BODIES: Record<Said, object> = {
  sent: { type: 'delivery', messageId: 'm', state: 'sent' },
  confirmed: { type: 'delivery', messageId: 'm', state: 'confirmed' },
  refused: { type: 'delivery', messageId: 'm', state: 'refused' },
  other: { type: 'delivery', messageId: 'another', state: 'confirmed' },
  start: { type: 'turn', number: 1, phase: 'start', outcome: null, durationMs: null },
  end: { type: 'turn', number: 1, phase: 'end', outcome: 'ok', durationMs: null },
  interrupted: { type: 'turn', number: 1, phase: 'end', outcome: 'interrupted', durationMs: null },
  say: { type: 'message', role: 'assistant', content: 'hello', from: null, messageId: null },
};

function follow(said: Said[]) {
  const turn = { confirmed: false, sent: false, open: false, outcome: null, text: [] as string[] };
  const verdicts = said.map((word) => followTurn(turn, BODIES[word] as TuttiEvent, 'm'));
  return { at: verdicts.findIndex((verdict) => verdict !== null), verdict: verdicts.find((v) => v !== null), turn };
}

describe('the turn of a message', () => {
  it.each<[string, Said[], number]>([
    ['confirmed when its turn begins', ['sent', 'start', 'confirmed', 'say', 'end'], 4],
    ['confirmed before its turn', ['sent', 'confirmed', 'start', 'end'], 3],
    ['confirmed only by the answer', ['sent', 'start', 'say', 'end', 'confirmed'], 4],
    ['not taken for the turn before it', ['start', 'end', 'sent', 'start', 'confirmed', 'end'], 5],
    ['steered into a running turn', ['start', 'sent', 'confirmed', 'end'], 3],
    ['steered too late for it', ['start', 'sent', 'end', 'start', 'confirmed', 'end'], 5],
    ['interrupted', ['sent', 'start', 'confirmed', 'interrupted'], 3],
    ['refused', ['sent', 'refused'], 1],
  ])('%s', (_id, said, index) => {
    expect(follow(said).at).toBe(index);
  });

  it('is not over for what happens to another message', () => {
    expect(follow(['other', 'start', 'end']).at).toBe(-1);
  });

  it('keeps the words of the assistant', () => {
    expect(follow(['sent', 'start', 'confirmed', 'say', 'say', 'end']).turn.text).toEqual(['hello', 'hello']);
  });
});

describe('isMet', () => {
  it.each([
    ['idle', 0, ['idle'], true],
    ['idle', 1, ['idle'], false],
    ['done', 0, ['idle'], true],
    ['paused', 3, ['idle'], true],
    ['working', 0, ['idle'], false],
    ['stopped', 0, ['stopped'], true],
    ['limited', 0, ['idle', 'limited'], true],
    ['failed', 0, ['idle'], false],
    ['failed', 0, ['failed'], true],
  ] as const)('%s with %i queued, waiting for %j: %s', (state, queued, targets, met) => {
    expect(isMet({ state, queued }, [...targets])).toBe(met);
  });
});
