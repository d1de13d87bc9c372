/** The supervisor itself: does it die again and again, and would it be there after a reboot? */
import { existsSync } from 'node:fs';
import { tallyText } from '../../../core/own-tally.ts';
import { homePaths } from '../../../system/paths.ts';
import { launcherPath } from '../../../system/service/launcher.ts';
import { installedService } from '../../../system/service/record.ts';
import { readTally } from '../../../system/service/tally.ts';
import { lingers } from '../../../system/service/user-manager.ts';
import type { Check, Finding } from './check.ts';

export const checkDeaths: Check = async ({ home }) => {
  const paths = homePaths(home);
  const deaths = tallyText(readTally(paths.tally));
  return [
    deaths === null
      ? { id: 'supervisor', grade: 'ok', message: 'the supervisor has not died unasked', fix: null }
      : { id: 'supervisor', grade: 'warn', message: `the supervisor: ${deaths}`, fix: `see ${paths.supervisorLog}` },
  ];
};

export const checkService: Check = async ({ home }) => {
  const paths = homePaths(home);
  const service = installedService(paths.serviceRecord);
  if (!service) {
    return [
      {
        id: 'service',
        grade: 'skip',
        message:
          'no service: after a reboot or a death the next tutti command starts the supervisor, nothing else does',
        fix: 'tutti service install',
      },
    ];
  }
  const findings: Finding[] = [];
  if (!existsSync(launcherPath(paths.home))) {
    findings.push({
      id: 'service',
      grade: 'warn',
      message: `the launcher that ${service.name} starts is gone`,
      fix: 'tutti service install writes it anew',
    });
  }
  if (service.kind === 'systemd' && lingers() === false) {
    findings.push({
      id: 'service',
      grade: 'warn',
      message: `${service.name} and its agents are ended with your last login`,
      fix: 'loginctl enable-linger',
    });
  }
  if (findings.length > 0) return findings;
  return [{ id: 'service', grade: 'ok', message: `${service.name} keeps the supervisor running`, fix: null }];
};
