/**
 * The driver of the built-in agents: JSON lines of our own (wire.ts), a record that knows every message by its id, a gate before
 * every tool call. launch (argv) · kinds and decoder (lines → events) · protocol · exit.
 */
import type { Driver } from '../driver.ts';
import { decoder } from './decoder.ts';
import { classifyExit } from './exit.ts';
import { launch, takeOver } from './launch.ts';
import { protocol } from './protocol.ts';

export const builtin: Driver = {
  id: 'tutti',
  program: 'tutti',
  versionArgs: ['--version'],
  minVersion: '0.1.0',
  capabilities: { persistent: true, steer: true, gate: 'all', resume: 'own', confirm: 'record' },
  launch,
  decoder,
  protocol,
  takeOver,
  classifyExit,
};
