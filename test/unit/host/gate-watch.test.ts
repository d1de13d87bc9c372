import { describe, expect, test } from 'vitest';
import type { DriverEventBody } from '../../../src/core/event.ts';
import { CALLS_WATCHED, GateWatch } from '../../../src/host/gate-watch.ts';

const call = (callId: string): DriverEventBody => ({
  type: 'tool_call',
  callId,
  tool: 'bash',
  args: {},
  nativeTool: 'Bash',
});
const result = (callId: string, isError = false): DriverEventBody => ({
  type: 'tool_result',
  callId,
  tool: 'bash',
  result: '',
  isError,
  tokens: null,
  durationMs: null,
});

describe('a call behind a gate that sees every call', () => {
  test('went around it when it went well and nobody judged it', () => {
    const gate = new GateWatch();
    expect([gate.see(call('c')), gate.see(result('c'))]).toEqual([null, { callId: 'c', tool: 'bash' }]);
  });

  test('was judged, before it was announced or after', () => {
    const gate = new GateWatch();
    gate.judged('early');
    gate.see(call('early'));
    gate.see(call('late'));
    gate.judged('late');
    expect([gate.see(result('early')), gate.see(result('late'))]).toEqual([null, null]);
  });

  test('says nothing when it failed, when it was never announced, or when its result comes twice', () => {
    const gate = new GateWatch();
    gate.see(call('failed'));
    gate.see(call('twice'));
    expect(gate.see(result('failed', true))).toBeNull();
    expect(gate.see(result('of an earlier incarnation'))).toBeNull();
    expect(gate.see(result('twice'))).not.toBeNull();
    expect(gate.see(result('twice'))).toBeNull();
  });

  test('is forgotten when too many others are open', () => {
    const gate = new GateWatch();
    for (let i = 0; i <= CALLS_WATCHED; i++) gate.see(call(`c${i}`));
    expect(gate.see(result('c0'))).toBeNull();
    expect(gate.see(result('c1'))).not.toBeNull();
  });
});
