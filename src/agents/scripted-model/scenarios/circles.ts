/**
 * Scenarios that run in circles, and honest work that only looks like it. A circle has no end by itself; with `heeds=1` it ends when
 * another message comes into the turn.
 */
import { bash, call, type Point, type Scenario, say, type Step } from '../script.ts';
import { numberParam } from './work.ts';

const STOPPED = 'I was going round in circles. I stop here and say so.';
const AGAIN = 'Let me try that once more, this time it should really work. ';

const heeded = (point: Point): boolean => point.params['heeds'] === '1' && point.news.length > 1;

/** @param step the next one, by the number of results so far */
const circle =
  (step: (n: number) => Step[]): Scenario =>
  (point) => ({ steps: heeded(point) ? [say(STOPPED)] : step(point.results.length) });

const THREE = ['git status --short', 'ls', 'cat missing-file.txt'];

function change(n: number): Step {
  const [from, to] = n % 2 === 0 ? ['one', 'two'] : ['two', 'one'];
  return call('edit', { path: 'circle.txt', old_string: from, new_string: to });
}

export const circles = {
  /** One call, the same result for ever. */
  loop: circle(() => [bash('cat missing-file.txt')]),
  loop3: circle((n) => [bash(THREE[n % THREE.length] ?? '')]),
  /** The same words over and over in one answer; the calls differ. */
  words: circle((n) => [say(AGAIN.repeat(40)), bash(`echo attempt ${n}`)]),
  undo: circle((n) => [n === 0 ? call('write', { path: 'circle.txt', content: 'one\n' }) : change(n - 1)]),
  /** Honest: the same question until its answer changes. `n` times, `s` seconds apart. */
  polling: (point) => {
    const n = point.results.length;
    if (n >= numberParam(point, 'n', 8)) return { steps: [say('The build is through.')] };
    return { steps: [bash(`sleep ${numberParam(point, 's', 0.3)}; date +%s%N`)] };
  },
  /** Honest: a test that fails, a change, the test again, until it passes after `n` changes. */
  testfix: (point) => {
    const at = point.results.length;
    const fixes = numberParam(point, 'n', 6);
    if (at > 2 * fixes) return { steps: [say('The test passes now.')] };
    if (at % 2 === 1) return { steps: [call('write', { path: 'fix.txt', content: `${(at + 1) / 2}\n` })] };
    return { steps: [bash(`test "$(cat fix.txt 2>/dev/null)" = ${fixes} || { echo "1 test failed"; exit 1; }`)] };
  },
} as const satisfies Record<string, Scenario>;
