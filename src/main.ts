/** The program `tutti`: composition root and bin. What a command needs is loaded when it is needed. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { entries } from './cli/entries.ts';
import { EXIT_BUG } from './cli/failure.ts';
import { runProgram } from './cli/program.ts';
import { VERSION } from './composition/build.ts';
import { awaitExit, connectHome, keepForSupervisor } from './composition/connect.ts';
import { homeFromEnvironment } from './system/paths.ts';

const dist = dirname(fileURLToPath(import.meta.url));

/** A reader that went away (`tutti events | head`) is no error of ours. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT_BUG));

const status = await runProgram(
  {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    version: VERSION,
    resolveHome: (flag) => homeFromEnvironment({ ...process.env, ...(flag === undefined ? {} : { TUTTI_HOME: flag }) }),
    connect: (home, { start, out }) => connectHome(home, { start, out, env: process.env, dist }),
    local: {
      foreground: async (argv, env) => (await import('./system/process.ts')).runForeground(argv, env),
      runSupervisor: async (home, env, options) => {
        const { runSupervisor } = await import('./composition/supervisor.ts');
        // A socket or timer that somebody forgot must not keep a supervisor that has ended in the process table.
        process.exit(await runSupervisor(home, env, dist, options));
      },
      awaitExit,
      keepForSupervisor,
      program: join(dist, 'main.js'),
      version: VERSION,
    },
  },
  entries,
);
// Not process.exit: what was written to a pipe must still leave.
process.exitCode = status;
