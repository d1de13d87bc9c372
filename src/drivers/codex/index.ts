/** codex: driven through `codex app-server`; `codex exec --json` is read only. Written against 0.169.0 and tried on it. */
import type { Decoder, Driver } from '../driver.ts';
import { CodexDecoder } from './decoder.ts';
import { ExecDecoder } from './exec.ts';
import { classifyExit } from './exit.ts';
import { launch, PROGRAM, takeOver } from './launch.ts';
import { CodexProtocol } from './protocol.ts';

export const codex: Driver = {
  id: 'codex',
  program: PROGRAM,
  versionArgs: ['--version'],
  // Paged reading of a conversation (thread/items/list) and clientId, which delivery rests on, were tried on this version only.
  minVersion: '0.169.0',
  capabilities: { persistent: true, steer: true, gate: 'asked', resume: 'own', confirm: 'lookup' },
  launch,
  decoder: () => new CodexDecoder(),
  protocol: (spec) => new CodexProtocol(spec),
  takeOver,
  classifyExit,
};

export const codexExec: { decoder(): Decoder } = { decoder: () => new ExecDecoder() };
