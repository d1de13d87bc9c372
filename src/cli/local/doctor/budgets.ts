/** Caps in USD that cannot be kept, because nobody knows what the agent costs. */
import { costsUnknown, hasUsdCap } from '../../../core/budget/known.ts';
import type { ProjectConfig, UserConfig } from '../../../core/config/schema.ts';
import { settingsFrom } from '../../../core/config/settings.ts';
import type { Finding } from './check.ts';

export function budgetFindings(user: UserConfig | null, project: ProjectConfig): Finding[] {
  const { prices, day } = settingsFrom(user).budgets;
  const defaults = { ...user?.defaults, ...project.defaults };
  return Object.entries(project.agents ?? {}).flatMap(([name, agent]): Finding[] => {
    const account = agent?.account === undefined ? null : agent.account;
    const capped =
      hasUsdCap(agent?.budget ?? defaults.budget) ||
      day.usd !== null ||
      (agent?.zone !== undefined && hasUsdCap(project.zones?.[agent.zone]?.budget)) ||
      (account !== null && hasUsdCap((project.accounts?.[account] ?? user?.accounts?.[account])?.budget));
    const why = capped
      ? costsUnknown(agent?.cli ?? defaults.cli ?? 'claude', agent?.model ?? defaults.model ?? null, prices)
      : null;
    if (why === null) return [];
    return [
      {
        id: 'budget',
        grade: 'warn',
        message: `agent ${name}: ${why}`,
        fix: 'add its price to prices in config.yaml, or give it budget.tokens',
      },
    ];
  });
}
