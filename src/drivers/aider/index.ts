/**
 * The aider driver. From aider's source (0.86) and reconstructed transcripts, never run here: it accepts what they show, and no more.
 * launch (one process a message) · grammar + decoder (text → events) · protocol + history (is a message in?) · exit.
 */
import type { Driver } from '../driver.ts';
import { decoder } from './decoder.ts';
import { classifyExit } from './exit.ts';
import { launch, takeOver } from './launch.ts';
import { protocol } from './protocol.ts';

export const aider: Driver = {
  id: 'aider',
  program: 'aider',
  versionArgs: ['--version'],
  minVersion: '0.86.0',
  capabilities: { persistent: false, steer: false, gate: 'none', resume: 'own', confirm: 'history' },
  launch,
  decoder,
  protocol,
  takeOver,
  classifyExit,
};
