/**
 * The command line: finds the command that was named, loads only its file, lets commander parse, and turns every outcome
 * into output and an exit status (contract.md §5). One file per command; `local/` holds those that need no supervisor.
 */
import { Command, CommanderError, Option } from 'commander';
import type { Client } from '../client/index.ts';
import { CliFailure, EXIT_BUG, EXIT_STATUS, failureOf } from './failure.ts';
import { type ColorMode, createOutput, type Output } from './output.ts';

/** What a command gets to work with. */
export interface Context {
  out: Output;
  home: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdin: NodeJS.ReadStream;
  /** Connects to this home's supervisor; starts one when none runs, unless told not to, or in a way of the command's own. */
  connect(options?: { start?: Start; home?: string }): Promise<Client>;
  /** For commands that run other programs in the foreground (attach) and for local ones: given by the composition root. */
  local: Local;
}

/** A supervisor that was just started. */
export interface Started {
  /** Why it has ended again; null while it may still come up, or when another one has the home. */
  failure(): Error | null;
}

export type Start = boolean | (() => Promise<Started>);

/** What the composition root lends to the commands. */
export interface Local {
  /** Runs a program on this terminal until it ends. Resolves to its exit status. */
  foreground(argv: string[], env: NodeJS.ProcessEnv): Promise<number>;
  /** Is the supervisor of a home, in this process, until told to end; `service`: a manager has it. Resolves to the exit status. */
  runSupervisor(home: string, env: NodeJS.ProcessEnv, options: { service: boolean }): Promise<number>;
  /** Resolves when that process has ended, or after a limit. */
  awaitExit(pid: number): Promise<void>;
  /** Keeps the variables that config.yaml names for the supervisor, for one that starts by itself. */
  keepForSupervisor(home: string, env: NodeJS.ProcessEnv): void;
  /** The built program, for those that start it again. */
  program: string;
  version: string;
}

export interface CommandFile {
  /** Adds arguments, options and the action. `run` wraps an action so that its outcome becomes the exit status. */
  define(command: Command, run: Runner): void;
}

/** Wraps the action of a command; a number that it resolves to is the exit status, anything else is 0. */
export type Runner = <A extends unknown[]>(
  action: (context: Context, ...args: A) => Promise<unknown>,
) => (...args: A) => Promise<void>;

export interface CommandEntry {
  name: string;
  summary: string;
  group: 'Agents' | 'Watching' | 'Answering' | 'Supervisor' | 'Tools';
  load(): Promise<CommandFile>;
  hidden?: boolean;
}

export interface Environment {
  argv: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  version: string;
  resolveHome(flag: string | undefined): string;
  connect(home: string, options: { start: Start; out: Output }): Promise<Client>;
  local: Local;
}

/** Runs one command line. Resolves to the exit status; never rejects. */
export async function runProgram(environment: Environment, entries: CommandEntry[]): Promise<number> {
  const json = environment.argv.includes('--json');
  const color = colorOf(environment.argv);
  const out = createOutput(environment, { json, color });
  try {
    return await dispatch(environment, entries, out);
  } catch (error) {
    if (error instanceof CommanderError)
      return reportUsage(
        error,
        out,
        entries.find(({ name }) => name === namedCommand(environment.argv)),
      );
    out.error(error);
    const failure = failureOf(error);
    return failure ? EXIT_STATUS[failure.code] : EXIT_BUG;
  }
}

async function dispatch(environment: Environment, entries: CommandEntry[], out: Output): Promise<number> {
  let status = 0;
  const program = rootCommand(environment, entries);
  const named = namedCommand(environment.argv);
  const wanted = named === 'help' ? environment.argv[environment.argv.indexOf('help') + 1] : named;
  const runner: Runner = (action) => {
    return async (...args) => {
      const result = await action(contextOf(environment, program, args, out), ...args);
      status = typeof result === 'number' ? result : 0;
    };
  };
  for (const entry of entries) {
    const command = program.command(entry.name, { hidden: entry.hidden === true });
    command.summary(entry.summary).description(entry.summary).helpGroup(`${entry.group}:`);
    if (entry.name === wanted) (await entry.load()).define(command, runner);
    inheritSettings(program, command);
  }
  requireSubcommand(program, environment.argv, named);
  if (environment.argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  await program.parseAsync(environment.argv, { from: 'user' });
  return status;
}

/** Shared options whose value is a word of its own. */
const VALUE_OPTIONS = ['--home', '--color'];

/** The first word that is neither an option nor the value of one. */
function namedCommand(argv: string[]): string | undefined {
  return argv.find((arg, i) => !arg.startsWith('-') && !VALUE_OPTIONS.includes(argv[i - 1] ?? ''));
}

function rootCommand(environment: Environment, entries: CommandEntry[]): Command {
  const program = new Command('tutti');
  program
    .description(
      'Supervises AI coding agents: each in a tmux session of its own, driven by its protocol, restarted and resumed.',
    )
    .version(environment.version, '-V, --version')
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void environment.stdout.write(text),
      writeErr: () => undefined,
    })
    .addHelpText(
      'after',
      `\nExamples:\n  $ tutti demo                                  a full run without key or network\n  $ tutti spawn fix --task "Fix the login test"  one agent in this folder\n  $ tutti ps                                    all agents\n  $ tutti attach fix                            look at it; Ctrl-b d leaves it running`,
    );
  addSharedOptions(program);
  if (entries.length === 0) throw new CliFailure('RUNTIME_ERROR', 'no commands');
  return program;
}

function addSharedOptions(command: Command): void {
  command
    .addOption(new Option('--json', 'print one JSON document (streams: one event a line)'))
    .addOption(new Option('--home <dir>', 'use this TUTTI_HOME'))
    .addOption(new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']).default('auto'));
}

function inheritSettings(program: Command, command: Command): void {
  const visit = (c: Command): void => {
    addSharedOptions(c);
    c.copyInheritedSettings(program);
    for (const child of c.commands) visit(child);
  };
  visit(command);
}

function contextOf(environment: Environment, program: Command, args: unknown[], out: Output): Context {
  const command = args.at(-1);
  const flags = command instanceof Command ? command.optsWithGlobals() : program.opts();
  const own = command instanceof Command ? ownHome(command) : undefined;
  const home = environment.resolveHome(own ?? (typeof flags.home === 'string' ? flags.home : undefined));
  return {
    out,
    home,
    env: environment.env,
    cwd: environment.cwd,
    stdin: environment.stdin,
    connect: (options) => environment.connect(options?.home ?? home, { start: options?.start ?? true, out }),
    local: environment.local,
  };
}

/** A command that is only a family (`tutti config`) needs the name of one of them; commander would print its help as an error. */
function requireSubcommand(program: Command, argv: string[], named: string | undefined): void {
  const asksForHelp = argv.some((arg) => arg === '-h' || arg === '--help' || arg === '-V' || arg === '--version');
  if (argv.length === 0 || asksForHelp || named === 'help') return;
  const family = named === undefined ? program : program.commands.find((command) => command.name() === named);
  if (!family || family.commands.length === 0) return;
  const rest = named === undefined ? [] : argv.slice(argv.indexOf(named) + 1);
  if (namedCommand(rest) !== undefined) return;
  const path = named === undefined ? 'tutti' : `tutti ${named}`;
  const names = family.createHelp().visibleCommands(family);
  const words = names.map((command) => command.name()).filter((name) => name !== 'help');
  throw new CliFailure('INVALID_ARGUMENT', `${path} needs a command`, { hint: `one of: ${words.join(' ')}` });
}

/** The `--home` nearest to the command: `tutti ps --home X` beats `tutti --home Y ps`. */
function ownHome(command: Command): string | undefined {
  for (let c: Command | null = command; c; c = c.parent) {
    const { home } = c.opts();
    if (typeof home === 'string') return home;
  }
  return undefined;
}

function colorOf(argv: string[]): ColorMode {
  const at = argv.findIndex((arg) => arg === '--color' || arg.startsWith('--color='));
  const value = at < 0 ? 'auto' : argv[at]?.includes('=') ? argv[at]?.split('=')[1] : argv[at + 1];
  return value === 'always' || value === 'never' ? value : 'auto';
}

/** Help and version end through commander's own exit; all else is a usage error. */
function reportUsage(error: CommanderError, out: Output, entry: CommandEntry | undefined): number {
  if (error.exitCode === 0) return 0;
  const message = error.message.replace(/^error: /, '').trim();
  const [first = message, ...rest] = message.split('\n');
  const near = /^\(Did you mean (.+)\?\)$/.exec(rest.join(' ').trim())?.[1];
  const help = entry ? `tutti ${entry.name} --help tells what it takes` : 'tutti --help lists the commands';
  out.error(new CliFailure('INVALID_ARGUMENT', first, { hint: near ? `did you mean ${near}?` : help }));
  return EXIT_STATUS.INVALID_ARGUMENT;
}
