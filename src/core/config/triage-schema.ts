/** Layer 2 of the watchdog: who is asked for advice, at whose cost, and how much of it a day. */
import { z } from 'zod';
import { DEFAULTS } from './settings.ts';

/** The variable of the account that holds the key; without it layer 2 is off. */
export const TRIAGE_KEY = 'ANTHROPIC_API_KEY';
export const TRIAGE_MODEL = 'haiku';

const { calls, tokens } = DEFAULTS.advicePerDay;

export const triage = z
  .strictObject({
    account: z
      .string()
      .min(1)
      .meta({
        description: `account of this file that has ${TRIAGE_KEY} (and ANTHROPIC_BASE_URL, if it is not Anthropic)`,
      }),
    model: z
      .string()
      .min(1)
      .meta({ description: 'full name, or `haiku`, `sonnet`, `opus`', default: TRIAGE_MODEL })
      .optional(),
    perDay: z
      .strictObject({
        calls: z
          .number()
          .int()
          .min(1)
          .max(10_000)
          .meta({ description: 'questions on one day (UTC)', default: calls })
          .optional(),
        tokens: z
          .number()
          .int()
          .min(1_000)
          .meta({ description: 'tokens of one day, then the rules are alone until midnight UTC', default: tokens })
          .optional(),
      })
      .optional(),
  })
  .meta({ description: 'a model is asked about what the rules are not sure of; without this key nobody is asked' });

interface Accounts {
  accounts?: Record<string, { env?: Record<string, string> | undefined }> | undefined;
  watchdog?: { triage?: { account: string } | undefined } | undefined;
}

/** A key is only ever taken from the account that is named: one without a key would be layer 2 switched on and off at once. */
export function refuseKeyless(config: Accounts, context: z.RefinementCtx): void {
  const account = config.watchdog?.triage?.account;
  if (account === undefined) return;
  const env = Object.hasOwn(config.accounts ?? {}, account) ? config.accounts?.[account]?.env : undefined;
  if (env?.[TRIAGE_KEY]) return;
  context.addIssue({
    code: 'custom',
    path: ['watchdog', 'triage', 'account'],
    message: `an account of this file with a key, such as  accounts: { ${account}: { env: { ${TRIAGE_KEY}: "\${${TRIAGE_KEY}}" } } }`,
  });
}
