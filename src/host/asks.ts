/** Tool calls and questions of the CLI: judged by rule and mode, or put to a person. Every decision is on record before it is told. */
import { type CompiledRule, type ConfigureArgs, GUARD_BYPASSED } from '../core/host-wire.ts';
import type { GuardContext } from '../core/guard/types.ts';
import type { Verdict } from '../drivers/driver.ts';
import type { AnswerArgs } from './frames.ts';
import type { BypassedCall } from './gate-watch.ts';
import type { Incarnation, JudgeAction } from './incarnation.ts';
import type { Call, Judged } from './judge.ts';
import type { Ledger } from './ledger.ts';
import { type OpenRequest, type Requests, REQUESTS_LIMIT } from './requests.ts';

/** What the guard knows of the place, beyond the agent's own configuration. */
export interface Place {
  home: string;
  tuttiHome: string;
  aliases: string[];
  self: string;
}

export interface AsksOptions {
  ledger: Ledger;
  requests: Requests;
  judge: (call: Call, context: GuardContext) => Judged;
  place: () => Place;
  config: () => { permissions: ConfigureArgs['permissions']; rules: CompiledRule[]; below: string[] };
  /** A request was opened, answered or lapsed. */
  changed: () => void;
}

export class Asks {
  readonly #options: AsksOptions;

  constructor(options: AsksOptions) {
    this.#options = options;
  }

  /** The CLI asks; the answer goes back at once, or when a person gave it. @param refusal a reason that no rule can overrule */
  judge(run: Incarnation, action: JudgeAction, refusal: string | null = null): void {
    if (action.what !== 'permission') return this.#put(run, action, action.text);
    if (refusal !== null) {
      const refused: Judged = { verdict: 'deny', by: 'policy', why: `Refused: ${refusal}.` };
      this.#recordVerdict(action, refused, null);
      return this.#tell(run, action.key, answerTo(refused));
    }
    const judged = this.#options.judge(action, this.#context(run));
    const kept = judged.verdict === 'ask' && (!action.gate || action.canAsk === false);
    if (!kept) {
      this.#recordVerdict(action, judged, null);
      return this.#tell(run, action.key, answerTo(judged));
    }
    if (this.#options.requests.full) {
      const full: Judged = { ...judged, verdict: 'deny', why: `more than ${REQUESTS_LIMIT} requests are open` };
      this.#recordVerdict(action, full, null);
      return this.#tell(run, action.key, answerTo(full));
    }
    this.#put(run, action, judged.why, judged);
  }

  #context(run: Incarnation): GuardContext {
    return { ...this.#options.place(), ...this.#options.config(), cwd: run.spec.cwd };
  }

  #put(run: Incarnation, action: JudgeAction, text: string, judged?: Judged): void {
    const { ledger, requests, changed } = this.#options;
    const { key, what, tool, args } = action;
    const request = requests.open({
      incarnation: run.number,
      key,
      what,
      tool,
      args,
      text: text || `${action.nativeTool}?`,
    });
    if (judged) this.#recordVerdict(action, judged, request.requestId);
    const { key: _key, ...shown } = request;
    ledger.record({ kind: 'request', ...shown });
    ledger.act(changed);
  }

  #recordVerdict(action: JudgeAction, judged: Judged, requestId: string | null): void {
    const { callId, tool, args } = action;
    const { verdict, by, why } = judged;
    this.#options.ledger.record({ kind: 'verdict', callId, requestId, tool, args, verdict, by, why });
  }

  /** The gate is open somewhere: the turn ends, and the supervisor fails the agent. */
  bypassed(run: Incarnation, { callId, tool }: BypassedCall): void {
    const why = `The call ${callId} of ${tool} ran and nobody had judged it.`;
    const by = `rule:${GUARD_BYPASSED}`;
    this.#options.ledger.record({ kind: 'verdict', callId, requestId: null, tool, args: {}, verdict: 'deny', by, why });
    this.#options.ledger.act(() => {
      if (!run.over) run.interrupt();
    });
  }

  #tell(run: Incarnation, key: string, verdict: Verdict): void {
    this.#options.ledger.act(() => {
      if (!run.over) run.answer(key, verdict);
    });
  }

  /** A person answers; false = it is not open (any more). First answer wins. */
  answer(run: Incarnation | null, { requestId, decision, text, by }: AnswerArgs): boolean {
    const request = this.#options.requests.take(requestId);
    if (!request) return false;
    if (!run || run.number !== request.incarnation || run.over) {
      this.#lapse(request);
      return false;
    }
    const { recorded, verdict } = spoken(request, decision, text);
    this.#options.ledger.record({ kind: 'answered', requestId, decision: recorded, by, text });
    this.#tell(run, request.key, verdict);
    this.#options.ledger.act(this.#options.changed);
    return true;
  }

  withdrawn(key: string): void {
    const request = this.#options.requests.takeByKey(key);
    if (request) this.#lapse(request);
  }

  /** The turn or the CLI is over: nobody waits for these answers. */
  lapseAll(): void {
    for (const request of this.#options.requests.takeAll()) this.#lapse(request);
  }

  #lapse({ requestId }: OpenRequest): void {
    this.#options.ledger.record({ kind: 'answered', requestId, decision: 'expired', by: 'policy', text: null });
    this.#options.ledger.act(this.#options.changed);
  }
}

function answerTo(judged: Judged): Verdict {
  if (judged.verdict === 'allow') return { decision: 'allow' };
  return judged.verdict === 'ask' ? { decision: 'ask' } : { decision: 'deny', reason: judged.why };
}

/** What a person said, in the CLI's terms. Words to a permission request are a no with a reason. */
function spoken(
  request: OpenRequest,
  decision: AnswerArgs['decision'],
  text: string | null,
): { recorded: 'allowed' | 'denied' | 'answered'; verdict: Verdict } {
  const reason = text?.trim() || 'The user said no.';
  if (decision === 'deny') return { recorded: 'denied', verdict: { decision: 'deny', reason } };
  if (request.what === 'permission') {
    if (decision === 'allow') return { recorded: 'allowed', verdict: { decision: 'allow' } };
    return { recorded: 'denied', verdict: { decision: 'deny', reason } };
  }
  return { recorded: 'answered', verdict: { decision: 'answer', text: text ?? 'yes' } };
}
