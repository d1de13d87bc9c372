/**
 * The coding task of the demo: a small repository with a failing test, and the scenario in which the scripted model mends it.
 * The model's words and calls are written down; what the tools do is real, and it says so when the test still fails.
 */
import { bash, call, type Scenario, say } from '../script.ts';

/** The repository, path → content. `node --test` fails in it until the task is done. */
export const demoProject: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "demo", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n',
  'slug.js': `/** Makes a title into the last part of a URL. */
export function slug(title) {
  return title.toLowerCase().replace(' ', '-');
}
`,
  'slug.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slug } from './slug.js';

test('every run of other characters becomes one hyphen', () => {
  assert.equal(slug('Hello, wide  World!'), 'hello-wide-world');
});
`,
};

/** What to ask the agent for, with the marker that chooses the scenario. */
export const demoTask =
  'The test of slug.js fails. Find out why, mend slug.js and run the test again. [[scenario:task]]';

const BROKEN = "  return title.toLowerCase().replace(' ', '-');";
const MENDED = `  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');`;
const TEST = 'node --test';

export const task: Scenario = (point) => {
  const last = point.results.at(-1);
  switch (point.results.length) {
    case 0:
      return { steps: [say("I'll run the test first, to see how it fails."), bash(TEST)] };
    case 1:
      return { steps: [say('It fails. Now the code under test.'), call('read', { path: 'slug.js' })] };
    case 2:
      return {
        steps: [
          say('Only the first space is replaced, and punctuation stays. I replace every run of other characters.'),
          call('edit', { path: 'slug.js', old_string: BROKEN, new_string: MENDED }),
        ],
      };
    case 3:
      return { steps: [say('And the test again.'), bash(TEST)] };
    default:
      return {
        steps: [
          say(
            last?.isError === true
              ? 'The test still fails; I have to leave it like this.'
              : 'slug.js is mended: it replaced only the first space. The test passes now.',
          ),
        ],
      };
  }
};
