/**
 * The guard against idle sleep: systemd-inhibit, on macOS caffeinate. Both end with us, however we end: the first waits for the
 * end of our pipe, the second for our process. A person can still send the machine to sleep.
 */
import type { SleepGuard } from '../../supervisor/ports.ts';
import { agentEnvironment } from '../environment.ts';
import { converse } from '../process.ts';

type Environment = Record<string, string | undefined>;

const ARGV = {
  darwin: ['caffeinate', '-i', '-w', String(process.pid)],
  // `cat` ends when its input does.
  linux: ['systemd-inhibit', '--what=idle', '--who=tutti', '--why=agents are at work', '--mode=block', 'cat'],
} as const;

export function sleepGuard(env: Environment, cwd: string): SleepGuard {
  const argv = process.platform === 'darwin' ? ARGV.darwin : ARGV.linux;
  return {
    hold(ended) {
      const place = { env: agentEnvironment(env), cwd };
      const child = converse([...argv], place, {
        line: () => undefined,
        ended: (message) => ended(`${argv[0]}: ${message}`),
      });
      return { release: () => child.end() };
    },
  };
}
