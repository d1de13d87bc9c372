/** All scenarios by name. The names are those of the recordings in test/streams, so that one name means one thing everywhere. */
import type { Scenario } from '../script.ts';
import { circles } from './circles.ts';
import { task } from './demo.ts';
import { trouble } from './trouble.ts';
import { work } from './work.ts';

export const scenarios: Readonly<Record<string, Scenario>> = { ...work, ...trouble, ...circles, task };

/** A name nobody knows is the client's mistake, and is answered as one. */
export const unknownScenario: Scenario = (point) => ({
  steps: [
    {
      do: 'fail',
      failure: {
        kind: 'invalid',
        message: `no scenario ${point.scenario}; known: ${Object.keys(scenarios).join(' ')}`,
        retryAfterS: null,
      },
    },
  ],
});

/** The scenario of that name, or the one that says that there is none. */
export function scenarioOf(name: string): Scenario {
  return (Object.hasOwn(scenarios, name) ? scenarios[name] : undefined) ?? unknownScenario;
}
