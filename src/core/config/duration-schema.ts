/** How a duration stands in the configuration. */
import { z } from 'zod';
import { parseDuration } from './duration.ts';

export const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, { error: 'a duration such as 250ms, 30s, 5m or 2h' })
  .meta({ description: 'Duration: a number with ms, s, m, h or d' });
