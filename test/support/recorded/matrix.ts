/** The confusion matrix of the recordings: what a person said, against what tutti makes of them; as the section of docs/reliability.md. */
import { type Label, labels, recordings } from './recordings.ts';
import { replay } from './replay.ts';

interface Judged {
  said: Label;
  made: Label;
}

/** Words that the label file and our classifier gave, counted by pair. */
type Pairs = { said: string; made: string }[];

const NONE = 'none';

export function classificationSection(): string {
  const named = labels();
  const all: Judged[] = recordings().map((recording) => {
    const said = named[recording.id];
    if (!said) throw new Error(`test/streams/labels.yaml does not name ${recording.id}`);
    return { said, made: replay(recording) };
  });
  const streams = all.filter(({ said }) => said.state !== null);
  const right = all.filter(({ said, made }) => JSON.stringify(said) === JSON.stringify(made)).length;
  return [
    `${all.length} recordings, ${right} judged as labelled in everything. Rows: the label. Columns: what tutti makes of it.`,
    '',
    '**Trouble that it ends with** (`none`: it ends well)',
    '',
    table(pairsOf(streams, ({ error }) => error ?? NONE)),
    '**State after the last line**, while the process lives',
    '',
    table(pairsOf(streams, ({ state }) => state ?? NONE)),
    '**State after the process ended**, of itself or by a signal from outside',
    '',
    table(pairsOf(all, ({ after }) => after)),
    '**The rest**, each as right of all that have it',
    '',
    rest(all),
  ].join('\n');
}

const pairsOf = (all: Judged[], word: (label: Label) => string): Pairs =>
  all.map(({ said, made }) => ({ said: word(said), made: word(made) }));

/** Rows and columns in the order of their frequency, so that a mistake stands out off the diagonal. */
function table(pairs: Pairs): string {
  const count = (test: (pair: Pairs[0]) => boolean): number => pairs.filter(test).length;
  const words = [...new Set(pairs.flatMap(({ said, made }) => [said, made]))].toSorted(
    (a, b) => count(({ said }) => said === b) - count(({ said }) => said === a) || (a < b ? -1 : 1),
  );
  const row = (said: string): string => {
    const cells = words.map((made) => count((pair) => pair.said === said && pair.made === made) || '');
    return `| ${said} | ${cells.join(' | ')} |`;
  };
  return [`| | ${words.join(' | ')} |`, `|---|${words.map(() => '---|').join('')}`, ...words.map(row), ''].join('\n');
}

const FACTS: [string, (label: Label) => string | null][] = [
  ['outcome of every turn', ({ turns }) => turns && JSON.stringify(turns)],
  ['why the process ended', ({ cause }) => cause],
  ['trying again can help', ({ retryable }) => (retryable ? 'true' : null)],
  ['trying again cannot help', ({ retryable }) => (retryable === false ? 'false' : null)],
  ['when the limit resets is known', ({ reset }) => (reset ? 'true' : null)],
  ['when the limit resets is not told', ({ reset }) => (reset === false ? 'false' : null)],
];

function rest(all: Judged[]): string {
  const rows = FACTS.map(([what, word]) => {
    const concerned = all.filter(({ said, made }) => word(said) !== null || word(made) !== null);
    const right = concerned.filter(({ said, made }) => word(said) === word(made)).length;
    return `| ${what} | ${right} of ${concerned.length} |`;
  });
  return ['| fact | right |', '|---|---|', ...rows, ''].join('\n');
}
