/** Sends the steps of a reply over one HTTP response. */
import type { ServerResponse } from 'node:http';
import { sleep } from '../../system/clock.ts';
import type { ContentStep, StopReason, StreamWriter } from './dialect.ts';
import type { Outcome } from './log.ts';
import type { Step } from './script.ts';

/** Words that go in one piece where a text is not slowed down. */
const WORDS_PER_PIECE = 6;

export const isContent = (step: Step): step is ContentStep =>
  step.do === 'text' || step.do === 'thinking' || step.do === 'call' || step.do === 'native-call';

/** Why an answer of these steps ends. */
export function stopOf(steps: Step[]): StopReason {
  const last = steps.at(-1);
  if (last?.do === 'stop') return last.reason;
  return steps.some((step) => step.do === 'call' || step.do === 'native-call') ? 'tools' : 'end';
}

/** Headers have been set; ends or leaves open the response as the steps say. */
export async function sendSteps(response: ServerResponse, writer: StreamWriter, steps: Step[]): Promise<Outcome> {
  // Headers go out with the first write; a script that begins with silence sends nothing at all.
  if (steps[0]?.do === 'hang') return 'hung';
  if (steps[0]?.do === 'cut') return cut(response);
  response.write(writer.open());
  for (const step of steps) {
    if (response.destroyed) return 'aborted';
    if (step.do === 'hang') return 'hung';
    if (step.do === 'cut') return cut(response);
    if (step.do === 'text') await sendText(response, writer, step);
    else if (step.do === 'thinking') response.write(writer.thinking(step.text));
    else if (step.do === 'call' || step.do === 'native-call') response.write(writer.call(step));
  }
  if (response.destroyed) return 'aborted';
  response.end(writer.close(stopOf(steps)));
  return 'answered';
}

async function sendText(
  response: ServerResponse,
  writer: StreamWriter,
  step: Extract<Step, { do: 'text' }>,
): Promise<void> {
  response.write(writer.textStart());
  const size = step.tokenMs === undefined ? WORDS_PER_PIECE : 1;
  const words = step.text.split(/(?<=\s)(?=\S)/);
  for (let at = 0; at < words.length && !response.destroyed; at += size) {
    response.write(writer.textDelta(words.slice(at, at + size).join('')));
    if (step.tokenMs !== undefined) await sleep(step.tokenMs);
  }
  if (!response.destroyed) response.write(writer.textEnd());
}

/** What was written has to arrive before the connection breaks. */
function cut(response: ServerResponse): Outcome {
  const socket = response.socket;
  if (socket === null) return 'aborted';
  if (!response.headersSent) socket.destroy();
  else response.write('', () => socket.destroy());
  return 'cut';
}
