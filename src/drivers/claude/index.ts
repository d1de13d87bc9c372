/**
 * The claude driver: Claude Code in its bidirectional stream-json mode, one process for many turns.
 * launch (argv) · decoder + kinds (lines → events) · transcript (mended before a resume) · protocol (delivery, questions, host tools) · answers (legal forms) · exit.
 */
import type { Driver } from '../driver.ts';
import { decoder } from './decoder.ts';
import { classifyExit } from './exit.ts';
import { launch, takeOver } from './launch.ts';
import { protocol } from './protocol.ts';
import { ownRecord } from './transcript.ts';

export const claude: Driver = {
  id: 'claude',
  program: 'claude',
  versionArgs: ['--version'],
  minVersion: '2.1.197',
  capabilities: { persistent: true, steer: true, gate: 'all', resume: 'own', confirm: 'idempotent' },
  launch,
  ownRecord,
  decoder,
  protocol,
  takeOver,
  classifyExit,
};
