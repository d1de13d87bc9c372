/**
 * The Agent Client Protocol (JSON-RPC 2.0 lines on stdio): one driver for Gemini, OpenCode and any other CLI that speaks it.
 * What differs between them is in a profile; `gemini/` and `opencode/` hold theirs, and the decoders of their one-shot streams.
 */
import type { CliId, Driver, Launch, LaunchSpec } from '../driver.ts';
import { acpDecoder } from './decoder.ts';
import { classifyAcpExit, type ExitWords } from './exit.ts';
import { type AcpFlavour, acpProtocol } from './protocol.ts';

export { acpDecoder } from './decoder.ts';

export interface AcpProfile extends AcpFlavour {
  id: CliId | 'acp';
  program: string;
  minVersion: string;
  resume: 'own' | 'handoff';
  launch(spec: LaunchSpec): Launch;
  takeOver(spec: LaunchSpec): Launch;
  exit: ExitWords;
}

/** The driver for one CLI that speaks ACP. */
export function acpDriver(profile: AcpProfile): Driver {
  return {
    id: profile.id,
    program: profile.program,
    versionArgs: ['--version'],
    minVersion: profile.minVersion,
    capabilities: { persistent: true, steer: profile.steer, gate: 'asked', resume: profile.resume, confirm: 'replay' },
    launch: (spec) => profile.launch(spec),
    decoder: acpDecoder,
    protocol: (spec) => acpProtocol(spec, profile),
    takeOver: (spec) => profile.takeOver(spec),
    classifyExit: (exit) => classifyAcpExit(exit, profile.exit),
  };
}

/**
 * A CLI that only the configuration knows (`clis.<name>: {command, protocol: acp}`): started as configured, everything else by
 * the protocol. It is not known whether it takes a message in mid-turn, so none is sent then.
 */
export const acp: Driver = acpDriver({
  id: 'acp',
  program: 'acp',
  minVersion: '0.0.0',
  resume: 'own',
  steer: false,
  setModel: true,
  launch: ({ command, args }) => ({ argv: [...command, ...args], env: {} }),
  takeOver: ({ command, args }) => ({ argv: [...command, ...args], env: {} }),
  exit: { name: 'The ACP agent', login: 'Log in with the CLI itself once.', codes: {} },
});
