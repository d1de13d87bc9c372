/**
 * What can be wrong with an agent, and what cures it. An ailment stays until the ladder has climbed to the rung that cures it (or a
 * crash came to the same), so that every rung is needed by somebody.
 */
import type { SimCli } from '../cli.ts';
import type { World } from '../world.ts';

export const AILMENTS = [
  'stalled',
  'hung',
  'endless-tool',
  'loop-of-one',
  'loop-of-three',
  'loop-of-words',
  'undoing',
  'compacting',
  'failing',
] as const;
export type AilmentKind = (typeof AILMENTS)[number];

const CURES = ['nudge', 'interrupt', 'restart', 'fresh', 'person'] as const;
type Cure = (typeof CURES)[number];

export interface Ailment {
  kind: AilmentKind;
  cure: Cure;
  /** True time of its outbreak. */
  since: number;
  /** Where it broke out. null until a turn shows it. */
  shown: { turn: number; incarnation: number; conversation: string; messages: number } | null;
}

export function newAilment(world: World): Ailment {
  const { chance } = world;
  const kind = chance.of(AILMENTS);
  const [weakest, strongest] = RANGE[kind];
  return { kind, cure: CURES[chance.int(weakest, strongest)] as Cure, since: world.trueNow, shown: null };
}

/** What can help at all: a process that hears nothing is not helped by words. Indices in CURES. */
const RANGE = {
  stalled: [1, 4],
  hung: [2, 4],
  'endless-tool': [1, 4],
  'loop-of-one': [0, 4],
  'loop-of-three': [0, 4],
  'loop-of-words': [0, 4],
  undoing: [0, 4],
  compacting: [1, 4],
  failing: [0, 4],
} as const satisfies Record<AilmentKind, readonly [number, number]>;

const messages = (cli: SimCli): number => cli.conversation?.items.length ?? 0;

/** The first turn that shows it. */
export function show(ailment: Ailment, cli: SimCli): void {
  ailment.shown ??= {
    turn: cli.turnNumber,
    incarnation: cli.incarnation,
    conversation: cli.conversation?.id ?? '',
    messages: messages(cli),
  };
}

/** Has what cures it happened since it was first shown? A stronger one does it too. */
export function isCured(ailment: Ailment, cli: SimCli): boolean {
  const { shown, cure } = ailment;
  if (!shown) return false;
  const happened: Cure | null =
    cli.conversation?.id !== shown.conversation
      ? 'fresh'
      : cli.incarnation !== shown.incarnation
        ? 'restart'
        : cli.turnNumber !== shown.turn
          ? 'interrupt'
          : messages(cli) > shown.messages
            ? 'nudge'
            : null;
  return happened !== null && CURES.indexOf(happened) >= CURES.indexOf(cure);
}
