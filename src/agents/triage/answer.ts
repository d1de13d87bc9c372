/** The only answer that is taken: one verdict, checked before anything comes of it. */
import { z } from 'zod';
import { TRIAGE_ACTIONS } from '../../supervisor/triage-port.ts';

/** Longest text that may reach an agent, and longest reason. Characters; a longer one makes the answer invalid. */
const TEXT_LIMIT = 1_000;
const WHY_LIMIT = 500;

/** A control character could end a line of a terminal protocol, or draw over it. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;
const clean = (limit: number) =>
  z
    .string()
    .max(limit)
    .transform((text) => text.replaceAll(/\s+/g, ' ').trim())
    .refine((text) => PRINTABLE.test(text), { error: 'text without control characters' });

export const answerSchema = z
  .strictObject({
    verdict: z.enum(TRIAGE_ACTIONS),
    text: clean(TEXT_LIMIT).nullish(),
    why: clean(WHY_LIMIT).refine((text) => text !== '', { error: 'a reason' }),
  })
  .refine(({ verdict, text }) => verdict !== 'nudge' || Boolean(text), { error: 'a nudge has a text' });
