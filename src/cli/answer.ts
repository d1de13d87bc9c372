/** `tutti approve|deny|answer REQUEST`: answers what an agent waits for. */
import { askedText } from '../core/asked.ts';
import { agentRequestsHint } from './request-text.ts';
import { CliFailure } from './failure.ts';
import type { CommandFile, Context } from './program.ts';

type Decision = 'allow' | 'deny' | 'answer';

const DONE: Record<Decision, string> = { allow: 'approved', deny: 'denied', answer: 'answered' };

export function answerCommand(decision: Decision): CommandFile {
  return {
    define(command, run) {
      command.argument('<request>', 'id of the request, or the name of an agent with only one');
      if (decision === 'answer') command.argument('<text...>', 'the answer');
      if (decision === 'deny') command.option('--reason <text>', 'told to the agent');
      const verb = decision === 'allow' ? 'approve' : decision;
      const tail = decision === 'answer' ? ' "Keep the old flag"' : '';
      command.addHelpText(
        'after',
        `\nExamples:\n  $ tutti ${verb} api-2${tail}\n  $ tutti show api-2          tells what it waits for`,
      );
      if (decision === 'answer') {
        command.action(
          run(async (context, request: string, words: string[]) => answer(context, request, decision, words.join(' '))),
        );
      } else {
        command.action(
          run(async (context, request: string, flags: { reason?: string }) =>
            answer(context, request, decision, flags.reason ?? null),
          ),
        );
      }
    },
  };
}

async function answer(context: Context, reference: string, decision: Decision, text: string | null): Promise<void> {
  const client = await context.connect();
  try {
    const open = await client.requests();
    const matching = open.filter((r) => r.requestId === reference || r.agent === reference || r.agentId === reference);
    const [request] = matching;
    if (!request) {
      throw new CliFailure('NOT_FOUND', `nothing open for ${reference}`, { hint: agentRequestsHint(open) });
    }
    if (matching.length > 1) {
      throw new CliFailure('CONFLICT', `${reference} has ${matching.length} open requests`, {
        hint: agentRequestsHint(matching),
      });
    }
    const result = await client.answer(request.requestId, { decision, text });
    context.out.result(result, `${DONE[decision]} ${request.agent}: ${askedText(request)}`);
  } finally {
    client.close();
  }
}
