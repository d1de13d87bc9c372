/** Scenarios in which the model works: text and tool calls. */
import { bash, call, type Point, type Scenario, say, type Step } from '../script.ts';

const DONE = 'All done. The scripted model has finished the task.';
const WORDS = 'The quick brown fox jumps over the lazy dog while the supervisor watches every token'.split(' ');
/** Longest text that `echo` gives back of a message. Characters. */
const ECHO_LENGTH = 40;
/** Longest answer of `slow`. Words. */
const SLOW_LIMIT = 10_000;

/** A number given in the marker; `otherwise` where it is missing or no number. */
export function numberParam(point: Point, name: string, otherwise: number): number {
  const given = Number(point.params[name] ?? Number.NaN);
  return Number.isFinite(given) && given >= 0 ? given : otherwise;
}

const reply = (...steps: Step[]) => ({ steps });

/** The calls one after another, one an answer, then `last`. */
function oneByOne(point: Point, calls: Step[][], last: string) {
  return { steps: calls[point.results.length] ?? [say(last)] };
}

/** Characters and not UTF-16 units, so that no emoji is cut in two. */
const beginning = (text: string): string => [...text.trimStart()].slice(0, ECHO_LENGTH).join('');

/** Answers every message with its first 40 characters; with `sleep=S` after a command of S seconds. */
const echo: Scenario = (point) => {
  const sleep = point.params['sleep'];
  if (sleep !== undefined && /^[\d.]+$/.test(sleep) && point.results.length === 0) return reply(bash(`sleep ${sleep}`));
  const news = point.news.length > 0 ? point.news : ['nothing new'];
  return reply(say(news.map((text) => `ack ${beginning(text)}`).join('\n')));
};

const multi: Scenario = (point) => {
  const n = numberParam(point, 'n', 5);
  const command = (i: number) => bash(`echo step ${i}; sleep ${numberParam(point, 'sleep', 0)}`);
  const numbers = Array.from({ length: n }, (_, i) => i + 1);
  if (point.params['parallel'] === '1')
    return point.results.length >= n ? reply(say(DONE)) : reply(say(`${n} steps at once.`), ...numbers.map(command));
  return oneByOne(
    point,
    numbers.map((i) => [say(`Step ${i} of ${n}.`), command(i)]),
    DONE,
  );
};

const slow: Scenario = (point) => {
  const count = Math.min(numberParam(point, 'tokens', 20), SLOW_LIMIT);
  const text = Array.from({ length: count }, (_, i) => WORDS[i % WORDS.length]).join(' ');
  return reply({ do: 'text', text, tokenMs: numberParam(point, 'ms', 150) });
};

const sleep: Scenario = (point) => {
  const seconds = numberParam(point, 's', 30);
  return oneByOne(point, [[say('This takes a while.'), bash(`echo started; sleep ${seconds}; echo finished`)]], DONE);
};

/** Finds "remember the word X" in what was said before and says it. */
const recall: Scenario = (point) => {
  const words = point.told.flatMap((text) => [...text.matchAll(/remember (?:the )?(?:code)?word:? ([\p{L}\d-]+)/giu)]);
  const word = words.at(-1)?.[1];
  const seen = `Messages seen so far: ${point.told.length}.`;
  return reply(say(word === undefined ? `I was told no word. ${seen}` : `The word was ${word}. ${seen}`));
};

const cycle: Scenario = (point) => {
  const attempt = bash('echo attempt > state.txt');
  const check = bash('test -f impossible.txt || (echo "test failed" >&2; exit 1)');
  return reply(point.results.length % 2 === 0 ? attempt : check);
};

/** Spends without end: after each answer a command at once, each another one. `cmd` = which, `first` = another one before them. */
const spend: Scenario = (point) => {
  const n = point.results.length + 1;
  const first = n === 1 ? point.params['first'] : undefined;
  const command = first ?? point.params['cmd'] ?? 'true';
  return reply(say(`Answer ${n}, and on.`), bash(`${command}; echo ${n} > step-${n}.txt; cat step-${n}.txt`));
};

/** Calls a tool by the client's own name. */
const badtool: Scenario = (point) =>
  point.results.length > 0
    ? reply(say(DONE))
    : reply({ do: 'native-call', name: point.params['name'] ?? 'no_such_tool', args: {} });

export const work = {
  echo,
  multi,
  slow,
  sleep,
  recall,
  cycle,
  badtool,
  spend,
  text: (point) => reply(say(point.params['say'] ?? 'Hello from the scripted model. Nothing else to do.')),
  tool: (point) => {
    const command = point.params['cmd'] ?? 'echo hello > hello.txt';
    return oneByOne(point, [[say("I'll run it."), bash(command)]], point.params['say'] ?? DONE);
  },
  failcmd: (point) => oneByOne(point, [[bash('echo "about to fail" >&2; exit 3')]], DONE),
  read: (point) => oneByOne(point, [[call('read', { path: point.params['path'] ?? 'notes.txt' })]], DONE),
  write: (point) => {
    const args = { path: point.params['path'] ?? 'notes.txt', content: point.params['content'] ?? 'A mock note.\n' };
    return oneByOne(point, [[say('Writing.'), call('write', args)]], DONE);
  },
  edit: (point) => {
    const path = point.params['path'] ?? 'notes.txt';
    const change = { path, old_string: point.params['old'] ?? 'mock', new_string: point.params['new'] ?? 'real' };
    return oneByOne(
      point,
      [
        [say('Reading first.'), call('read', { path })],
        [say('Editing.'), call('edit', change)],
      ],
      DONE,
    );
  },
  todo: (point) => {
    const items = [
      { content: 'Look at it', status: 'completed' },
      { content: 'Change it', status: 'in_progress' },
    ];
    return oneByOne(point, [[call('todo', { items })]], DONE);
  },
  thinking: () =>
    reply({ do: 'thinking', text: 'Let me think about this for a moment.' }, say('I have thought about it.')),
  big: (point) => oneByOne(point, [[bash('seq 1 60000')]], DONE),
  danger: (point) => oneByOne(point, [[say('Cleaning up.'), bash(point.params['cmd'] ?? 'rm -rf ./precious')]], DONE),
  ask_text: () =>
    reply(
      say(
        'I found two ways to do this. Should I (a) keep the old API or (b) break it? Please tell me which one you prefer.',
      ),
    ),
  giveup: () =>
    reply(say("I was not able to complete this task: the tests still fail and I don't know why. Stopping here.")),
  fakedone: () => reply(say('Done! All tests pass.')),
  empty: () => reply(),
} as const satisfies Record<string, Scenario>;
