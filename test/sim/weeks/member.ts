/** One agent of the fleet, as the world knows it: whose account it is, what ails it, when it last got on. The core sees none of this. */
import type { AgentSpec } from '../../../src/core/state.ts';
import type { World, Place } from '../world.ts';
import type { Ailment } from './ailment.ts';

export interface Member {
  place: Place;
  spec: AgentSpec;
  account: string;
  /** USD that it may spend; raised by its person. null = no cap. */
  capUsd: number | null;
  /** What was recorded of its spending. USD. */
  spentUsd: number;
  /** What is wrong with it; null = it works honestly. */
  ailment: Ailment | null;
  /** What its present or last turn does, in a word. */
  doing: string;
  /** Last true progress: a new result, a turn that ended well. True time. */
  progressAt: number;
  /** Results that were new, and turns that ended well. */
  progress: number;
  /** Something of it was stopped, started or linked. True time. */
  shakenAt: number;
  /** A person made it try, whatever stood in its way. True time. */
  pushedAt: number;
  /** A person changed something about it. True time. */
  handledAt: number;
  /** It was cured. True time. */
  curedAt: number;
  /** Its turn began. True time. */
  turnAt: number;
  /** It has asked a person. */
  asksAt: number | null;
}

export const newMember = (world: World, place: Place, spec: AgentSpec): Member => ({
  place,
  spec,
  account: spec.account,
  capUsd: spec.budget.usd,
  spentUsd: 0,
  ailment: null,
  doing: 'nothing',
  progressAt: world.trueNow,
  progress: 0,
  shakenAt: world.trueNow,
  pushedAt: 0,
  handledAt: 0,
  curedAt: 0,
  turnAt: 0,
  asksAt: null,
});
