/** Every limit of the core that is no setting: named once, with its unit, and what happens beyond it. */

/** Messages that wait for one agent; a further `send` is refused. */
export const QUEUE_LIMIT = 1_000;
/** Text waiting for one agent; a further `send` is refused. Characters. */
export const QUEUE_CHARS = 32 * 1024 * 1024;
/** One message; a longer one is refused. Characters. */
export const MESSAGE_CHARS = 1024 * 1024;
/** Failed deliveries of one message, then the agent is `failed` with it kept in the queue. */
export const DELIVERY_ATTEMPTS = 8;
/** Wait after the first failed delivery or effect, doubling to HOLD_CAP_MS. Milliseconds. */
export const HOLD_BASE_MS = 1_000;
export const HOLD_CAP_MS = 60_000;
/** A host that was started and has not greeted is cleared away. Milliseconds. */
export const HOST_START_LIMIT_MS = 60_000;
/** A CLI that was started and takes no messages is stopped and counts as crashed. Milliseconds. */
export const CLI_START_LIMIT_MS = 120_000;
/** A `stop` or `quit` that is not done is followed by `clear`. Milliseconds. */
export const STOP_LIMIT_MS = 30_000;
/** A silent host of an agent that shall go down is cleared away. Milliseconds. */
export const UNKNOWN_STOP_LIMIT_MS = 10_000;
/** A host that was up and has not greeted a new supervisor is judged hung, with more patience than one that leaves an order. Milliseconds. */
export const UNKNOWN_HOST_LIMIT_MS = 120_000;
/** A confirmed message brings about a turn within this time, else a note asks for one. Milliseconds. */
export const TURN_START_LIMIT_MS = 60_000;
/** A reset is waited for this much longer: clocks differ, and told times are rounded to seconds. Milliseconds. */
export const RESET_MARGIN_MS = 1_000;
/** A reset that is told for later than this is not believed: the backoff holds instead. Milliseconds. */
export const RESET_FARTHEST_MS = 8 * 24 * 3_600_000;
/** An agent that tries whether a limit is over and was not refused for so long was not refused; one that got no turn by then is replaced. Milliseconds. */
export const PROBE_LIMIT_MS = 20_000;
/** Refused again so soon after a limit seemed to be over, though nobody had been answered: it was not. Milliseconds. */
export const RELAPSE_MS = 60_000;
/** After a limit the agents of an account go on this far apart, all of them within STAGGER_SPREAD_MS. Milliseconds. */
export const STAGGER_MS = 1_000;
export const STAGGER_SPREAD_MS = 15_000;
/** Accounts that are remembered; of more, those without a limit are forgotten. */
export const ACCOUNTS_KEPT = 200;
/** An interrupt ends its turn within this time, else the CLI is judged hung. Milliseconds. */
export const INTERRUPT_LIMIT_MS = 60_000;
/** A turn that is ended for a used-up budget is over within this time, else its CLI is stopped. Milliseconds. */
export const BUDGET_STOP_LIMIT_MS = 60_000;
/** A compaction, or a summary for a new conversation, has begun within this time, else it is done without. Milliseconds. */
export const CARE_LIMIT_MS = 600_000;
/** User commands whose results are remembered; older ones are forgotten. */
export const COMMANDS_KEPT = 1_000;
/** Confirmed message ids remembered per agent. */
export const SEEN_KEPT = 256;
/** Open tool calls, file names and times remembered per agent; the oldest go first. */
export const CALLS_KEPT = 200;
export const FILES_KEPT = 200;
export const TALLY_KEPT = 200;
/** Words of either side kept for a handoff, of the latest exchange and of each before it; longer ones are cut. Characters. */
export const EXCHANGE_CHARS = 2_000;
export const EARLIER_EXCHANGE_CHARS = 300;
/** Exchanges before the latest that are kept for a handoff; the oldest go first. */
export const EXCHANGES_KEPT = 20;
/** Causes of alerts that are remembered; the oldest are forgotten, and would be told again. */
export const CAUSES_KEPT = 500;
/** Alerts that wait to be told; beyond it the oldest go untold (they are on record). */
export const ALERTS_OPEN = 200;
/** The agent that tries first after a mass death has to stay up for so long. Milliseconds. */
export const FLEET_PROBE_OK_MS = 10_000;
/** It has to be up by then, else the fleet is held on. Milliseconds. */
export const FLEET_PROBE_LIMIT_MS = 180_000;
/** A process without an agent is ended when the patrol has seen it for so long: at two looks. Milliseconds. */
export const ORPHAN_SEEN_MS = 1_000;
/** Files of an agent that nobody knows are removed at this age. Milliseconds. */
export const LEFTOVER_AGE_MS = 600_000;
/** Nothing has happened for so long though nothing stands in the way. Milliseconds. */
export const STUCK_MS = 180_000;
/** Less free space is no longer only low. Bytes. */
export const DISK_FULL_BYTES = 100 * 1024 * 1024;
/** Schedules of one home; a further one is refused. */
export const SCHEDULES_LIMIT = 500;
/** A request is told of again for so long; after that it only stands in lists and digests. Milliseconds. */
export const REMIND_FOR_MS = 86_400_000;
/** Alerts that one notification carries; further ones are counted. */
export const ALERTS_IN_ONE = 20;
/** Times of notifications that are remembered: the most that `notify.rate.max` may be. */
export const NOTIFICATIONS_KEPT = 100;
/** Latest calls and edits that a new one is compared with. */
export const RESULTS_WATCHED = 16;
export const EDITS_WATCHED = 8;
/** A call in the watchdog's words; longer ones are cut. Characters. */
export const CALL_WORDS_CHARS = 80;
/** Failed calls that an agent that begins afresh is told of, the newest; each cut. Characters. */
export const FAILURES_KEPT = 6;
export const FAILURE_CHARS = 160;
/** A command that waits by its words, and for at least this long, is honest polling and no loop. Milliseconds. */
export const WAIT_LEAST_MS = 5_000;
/** Calls with a new result since the last rung of the ladder: it gets on again, and the ladder begins anew. */
export const RECOVERED_RESULTS = 8;
/** A deadline that passed this long ago passed while nobody counted (the machine slept, the supervisor was away). Milliseconds. */
export const LATE_LIMIT_MS = 60_000;
/** Messages in a row that no turn came of, then the CLI is started anew. */
export const NO_TURNS_LIMIT = 3;
/** How often layer 2 can give an agent more time before something has to happen. */
export const EXTENSIONS_LIMIT = 3;
/** A task in the pane's header. Characters. */
export const VIEW_TASK_CHARS = 200;
/** A model of layer 2 has this long to answer; then the answer is `extend`. Milliseconds. */
export const TRIAGE_LIMIT_MS = 30_000;
/** The ladder waits this long for layer 2, then goes on by itself. Milliseconds. */
export const ADVICE_WAIT_MS = TRIAGE_LIMIT_MS + 5_000;
/** Questions to layer 2 that are open at the same time; a further one is answered by `extend` at once. */
export const TRIAGE_AT_ONCE = 3;
