/** Says where a cap in USD cannot be kept, before anybody relies on it. */
import type { SpawnRequest } from '../api/wire.ts';
import { costsUnknown, hasUsdCap } from '../core/budget/known.ts';
import type { UserConfig } from '../core/config/schema.ts';
import { settingsFrom } from '../core/config/settings.ts';

type Declared = Pick<SpawnRequest, 'name' | 'cli' | 'model' | 'budget'>;

/** null = nothing to say. */
export function budgetWarning({ name, cli, model, budget }: Declared, user: UserConfig | null): string | null {
  if (!hasUsdCap(budget)) return null;
  const why = costsUnknown(cli ?? 'claude', model ?? null, settingsFrom(user).budgets.prices);
  return why && `agent ${name}: ${why}`;
}
