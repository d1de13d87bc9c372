import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Verdict } from '../../../../src/drivers/driver.ts';
import { Talk } from './talk.ts';

/**
 * The legal forms, as claude's own schema has them (2.1.197). What is not one of them opens claude's gate.
 * Written out again here, on purpose: a change of the answers must not change what is legal.
 */
function legal(line: string): string {
  if (/[\n\r]/.test(line)) return 'more than one line';
  const { type, response: outer, ...rest } = JSON.parse(line);
  if (type !== 'control_response' || Object.keys(rest).length > 0) return 'envelope';
  if (outer.subtype !== 'success' || typeof outer.request_id !== 'string' || Object.keys(outer).length !== 3)
    return 'response';
  const { hookSpecificOutput: hook, ...others } = outer.response;
  if (hook === undefined) return legalPermission(outer.response);
  if (Object.keys(others).length > 0) return 'beside the hook';
  const { hookEventName, permissionDecision, permissionDecisionReason, updatedInput, ...extra } = hook;
  if (hookEventName !== 'PreToolUse' || Object.keys(extra).length > 0) return 'hook';
  if (!['allow', 'deny', 'ask'].includes(permissionDecision)) return 'decision';
  if (typeof permissionDecisionReason !== 'string' || permissionDecisionReason === '') return 'reason';
  if (
    updatedInput !== undefined &&
    (permissionDecision !== 'allow' || Array.isArray(updatedInput) || typeof updatedInput !== 'object')
  )
    return 'input';
  return 'legal';
}

function legalPermission(response: Record<string, unknown>): string {
  const keys = Object.keys(response).sort().join();
  if (response.behavior === 'allow')
    return keys === 'behavior,updatedInput' &&
      typeof response.updatedInput === 'object' &&
      response.updatedInput !== null
      ? 'legal'
      : 'allow';
  return response.behavior === 'deny' &&
    keys === 'behavior,interrupt,message' &&
    response.message !== '' &&
    response.interrupt === false
    ? 'legal'
    : 'deny';
}

const verdicts = fc.oneof(
  fc.record({
    decision: fc.constant('allow'),
    args: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
  }),
  fc.record({ decision: fc.constant('deny'), reason: fc.string() }),
  fc.record({ decision: fc.constant('ask') }),
  fc.record({ decision: fc.constant('answer'), text: fc.string() }),
  // What the types forbid and a bug might still bring.
  fc.record({ decision: fc.string() }),
);
const inputs = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue());
const tools = fc.constantFrom('Bash', 'Read', 'AskUserQuestion', 'mcp__x__y', '__proto__', '');

test('every answer to every question has a legal form, and only an allow allows', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      tools,
      inputs,
      verdicts,
      fc.string({ unit: 'binary' }),
      (gate, tool, input, verdict, id) => {
        const talk = new Talk().ready();
        const asked = gate ? talk.asksGate(id, tool, input) : talk.asksTool(id, tool, input);
        // The key is the request id, and JSON cannot carry every string unchanged.
        const key = asked[0]?.do === 'judge' ? asked[0].key : id;
        const answers = asked[0]?.do === 'judge' ? talk.protocol.answer(key, verdict as Verdict) : asked;
        expect(answers.length).toBe(1);
        const line = answers[0]?.do === 'write' ? answers[0].line : '';
        expect(legal(line)).toBe('legal');
        const allows = line.includes('"permissionDecision":"allow"') || line.includes('"behavior":"allow"');
        if (allows && !JSON.stringify(verdict).includes('allow'))
          expect([tool, verdict.decision]).toEqual(['AskUserQuestion', 'answer']);
      },
    ),
    { numRuns: 500 },
  );
});
