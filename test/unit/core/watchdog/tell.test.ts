/** `why` tells the ladder in plain words. */
import { expect, it } from 'vitest';
import { why } from '../../../../src/core/why/index.ts';
import { bash, MINUTE, pass, working } from './stage.ts';

const text = (desk: ReturnType<typeof working>): string =>
  why(desk.agent(), desk.log, desk)
    .chain.map((link) => link.text)
    .join('\n');

it('says what was seen, on what evidence, and what was done', () => {
  const desk = working();
  for (let i = 0; i < 4; i++) bash(desk, 'npm test', '2 failed');
  expect(text(desk)).toContain(
    'the watchdog saw that it made the same call with the same result 4 times in a row: bash: npm test ' +
      '(tool, arguments and result are equal; 4 calls in this turn), and told the agent so',
  );
});

it('says what was tried since the agent last got on', () => {
  const desk = working();
  pass(desk, 8 * MINUTE);
  expect(text(desk)).toContain('since it last got on it was told once, interrupted once');
});

it('says nothing of a ladder that was not climbed', () => {
  const desk = working();
  bash(desk, 'npm test', 'ok');
  expect(text(desk)).not.toContain('watchdog');
});
