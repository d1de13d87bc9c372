/** What a CLI says of why it tries again by itself: only a limit is the account's business. */
const LIMIT = /\b429\b|rate.?limit|usage.?limit|quota|too many requests|RESOURCE_EXHAUSTED/i;

export const namesLimit = (error: string): boolean => LIMIT.test(error);
