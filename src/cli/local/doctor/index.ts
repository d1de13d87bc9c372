/**
 * `tutti doctor [--fix]`: what is missing or unsafe on this machine and in this configuration, and how to mend it.
 * Exit 0 when nothing fails (warnings allowed), 1 otherwise. Reads no secret: logins are only looked at for being there.
 */
import { runProcess } from '../../../system/process.ts';
import { drivers } from '../../../drivers/registry.ts';
import { findProjectFile, loadProjectFile, loadUserConfig } from '../../config-file.ts';
import { failureOf } from '../../failure.ts';
import type { CommandFile, Context } from '../../program.ts';
import type { Check, Finding, Grade, Surroundings } from './check.ts';
import { configFindings } from './configuration.ts';
import { checkLeftovers } from './leftovers.ts';
import { checkNotify } from './notify.ts';
import { checkDisk, checkHome, checkSocketPath } from './places.ts';
import { checkClis, checkGit, checkNode, checkTmux } from './programs.ts';
import { checkDeaths, checkService } from './service.ts';

const CHECKS: Check[] = [
  checkNode,
  checkTmux,
  checkGit,
  checkClis,
  checkHome,
  checkDisk,
  checkSocketPath,
  checkLeftovers,
  checkNotify,
  checkDeaths,
  checkService,
];

const MARKS: Record<Grade, string> = { ok: '✓', warn: '▲', fail: '✗', skip: '-' };
const COLORS = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'gray' } as const satisfies Record<Grade, string>;

export const command: CommandFile = {
  define(command, run) {
    command
      .option('--fix', 'mend what can be mended')
      .addHelpText(
        'after',
        '\nExamples:\n  $ tutti doctor\n  $ tutti doctor --fix\n  $ tutti doctor --json | jq \'.data.findings[] | select(.grade=="fail")\'',
      )
      .action(run(async (context, flags: { fix?: boolean }) => doctor(context, flags.fix === true)));
  },
};

async function doctor(context: Context, fix: boolean): Promise<number> {
  const progress = context.out.progress('looking');
  const around = surroundings(context);
  const findings = [
    ...configFindings(context),
    ...(await Promise.all(CHECKS.map((check) => guarded(check, around)))).flat(),
  ];
  progress.done();
  const mended: string[] = [];
  if (fix) {
    for (const finding of findings) {
      if (!finding.repair) continue;
      mended.push(await finding.repair());
      finding.grade = 'ok';
    }
  }
  const shown = findings.map(({ repair, ...finding }) => ({ ...finding, fixable: repair !== undefined }));
  context.out.result({ findings: shown, mended }, text(context, findings, mended));
  return findings.some((finding) => finding.grade === 'fail') ? 1 : 0;
}

/** A check that itself fails is a finding, and no reason to skip the others. */
async function guarded(check: Check, around: Surroundings): Promise<Finding[]> {
  try {
    return await check(around);
  } catch (error) {
    return [
      {
        id: check.name,
        grade: 'warn',
        message: `this check could not be made: ${(error as Error).message}`,
        fix: null,
      },
    ];
  }
}

function surroundings(context: Context): Surroundings {
  return {
    home: context.home,
    env: context.env,
    platform: process.platform,
    nodeVersion: process.versions.node,
    commands: configuredCommands(context),
    drivers: Object.values(drivers),
    run: async (argv, timeoutMs) => {
      const result = await runProcess(argv, { timeoutMs });
      return result.started ? { code: result.code, stdout: result.stdout, stderr: result.stderr } : null;
    },
  };
}

function configuredCommands(context: Context): Record<string, string[]> {
  try {
    const file = findProjectFile(context.cwd);
    const clis = { ...loadUserConfig(context.env)?.clis, ...(file ? loadProjectFile(file).config.clis : {}) };
    return Object.fromEntries(
      Object.entries(clis).flatMap(([name, cli]) => (cli.command ? [[name, cli.command]] : [])),
    );
  } catch (error) {
    // A broken file is reported by configFindings; the programs are still worth looking at.
    if (failureOf(error)) return {};
    throw error;
  }
}

function text(context: Context, findings: Finding[], mended: string[]): string {
  const lines = findings.flatMap((finding) => {
    const mark = context.out.paint(COLORS[finding.grade], MARKS[finding.grade]);
    const why = finding.why ? [`    why  ${finding.why}`] : [];
    const fix = finding.fix && finding.grade !== 'ok' ? [`    fix  ${finding.fix}`] : [];
    return [`${mark} ${finding.message}`, ...why, ...fix];
  });
  const done = mended.map((line) => `mended: ${line}`);
  const bad = findings.filter((finding) => finding.grade === 'fail').length;
  const end =
    bad > 0
      ? `${bad} ${bad === 1 ? 'thing stops' : 'things stop'} tutti from working.`
      : 'Nothing stops tutti from working.';
  return [...lines, ...done, end].join('\n');
}
