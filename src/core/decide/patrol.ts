/** What the patrol found: on record once for each cause, mended where that can do no harm, told where a person is needed. */
import type { JsonObject } from '../event.ts';
import { type Finding, findings } from '../patrol/findings.ts';
import type { Input } from '../step.ts';
import { iso } from '../time.ts';
import type { Work } from './work.ts';

export function onSurvey(w: Work, { survey }: Extract<Input, { type: 'survey' }>): void {
  const seen = findings(survey, w.state, w.settings, w.now);
  const known = w.state.patrol.found;
  const fresh = seen.filter(({ key }) => !(key in known));
  for (const finding of fresh) record(w, finding);
  for (const finding of seen) mend(w, finding);
  const gone = Object.keys(known).some((key) => !seen.some((finding) => finding.key === key));
  if (fresh.length === 0 && !gone) return;
  const found = Object.fromEntries(seen.map(({ key }) => [key, known[key] ?? iso(w.now)]));
  const args: JsonObject = { found };
  const id = `patrol-${w.state.seq + 1}`;
  w.emit(null, { type: 'command', id, verb: 'patrol', by: 'supervisor', phase: 'done', args, result: null });
}

function record(w: Work, { agentId, verdict, observation, evidence, action }: Finding): void {
  w.emit(
    agentId,
    { type: 'watchdog', layer: 3, observation, verdict, action, evidence },
    { by: 'patrol', durable: true },
  );
}

/** At every look while it lasts: what could not be mended is tried again. */
function mend(w: Work, { action, agentId, processes, paths, session }: Finding): void {
  if (action === 'end' && processes) w.effect({ do: 'end_orphans', ...processes });
  if (action === 'close' && session !== undefined) w.effect({ do: 'close_orphan', session });
  if (action === 'remove' && paths) w.effect({ do: 'remove_leftovers', paths });
  if (action === 'look' && agentId !== null) w.touch(agentId);
}
