/** Every limit of the built-in agents, with its unit and what happens beyond it. */

/** A command of v0 is ended after this long. Milliseconds. */
export const V0_BASH_LIMIT_MS = 300_000;
/** The same for v1, where nothing else is configured. Milliseconds. */
export const V1_BASH_LIMIT_MS = 60_000;
/** A command's time limit can be configured up to this. Milliseconds. */
export const BASH_LIMIT_MAX_MS = 3_600_000;
/** Of a longer tool output the middle is left out. Characters. */
export const OUTPUT_LIMIT = 50_000;
/** A larger file is not read or edited. Bytes. */
export const FILE_LIMIT = 10 * 1024 * 1024;
/** Ended politely first; killed after this. Milliseconds. */
export const KILL_GRACE_MS = 1_000;
/** What a command left running in the background may still write to its output after it ended. Milliseconds. */
export const DRAIN_MS = 200;
/** Requests to the model in one turn; beyond it the turn ends with `max_turns`. */
export const ROUNDS_LIMIT = 200;
/** Longest answer that is asked for. Tokens. */
export const ANSWER_TOKENS = 8_192;
/** Repeats of a failed request. */
export const RETRY_LIMIT = 3;
/** A longer wait is not sat out: the turn ends with `limit`, and who supervises decides when to go on. Milliseconds. */
export const RETRY_WAIT_LIMIT_MS = 5_000;
/** First pause between repeats; doubled each time. Milliseconds. */
export const RETRY_BASE_MS = 500;
/** No byte of the answer for this long: the request is given up and repeated. Milliseconds. */
export const SILENCE_LIMIT_MS = 180_000;
