/** From a request to the reply of its scenario. Pure. */
import type { Marker } from './point.ts';
import { pointOf } from './point.ts';
import { scenarioOf } from './scenarios/index.ts';
import { numberParam } from './scenarios/work.ts';
import type { ModelRequest, Point, Reply, UnifiedLimit } from './script.ts';

export interface Scripted {
  point: Point;
  reply: Reply;
}

/**
 * @param fallback the scenario of messages without a marker
 * @param attemptOf how often the answer of this key was asked for before
 */
export function scriptedReply(request: ModelRequest, fallback: Marker, attemptOf: (key: string) => number): Scripted {
  const point = pointOf(request, fallback);
  const reply = scenarioOf(point.scenario)(point, attemptOf(point.key));
  const unified = reply.unified ?? unifiedParam(point);
  return { point, reply: unified === undefined ? reply : { ...reply, unified } };
}

/** `unified=allowed|allowed_warning util=0.93 threshold=0.9 reset=7200` in any scenario adds a subscription's limit headers. */
function unifiedParam(point: Point): UnifiedLimit | undefined {
  const status = point.params['unified'];
  if (status !== 'allowed' && status !== 'allowed_warning') return undefined;
  const fraction = (name: string) => (point.params[name] === undefined ? null : numberParam(point, name, 0));
  return {
    status,
    utilization: fraction('util'),
    threshold: fraction('threshold'),
    resetS: numberParam(point, 'reset', 7200),
  };
}
