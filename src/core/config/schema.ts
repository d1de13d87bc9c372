/**
 * The configuration (contract.md §7): one zod schema for tutti.yaml and config.yaml, also published as JSON Schema.
 * Pure: reading files and variables is the business of `cli/config-file.ts`.
 */
import { z } from 'zod';
import { duration } from './duration-schema.ts';
import { isTimezone } from '../budget/day.ts';
import { scheduleList } from './schedules.ts';
import { TOOLS } from '../event.ts';
import { parseDuration } from './duration.ts';
import { notify } from './notify-schema.ts';
import { refuseKeyless, triage } from './triage-schema.ts';
import { progressKeys, refuseImpossible } from './watchdog-schema.ts';

/** An agent's name: also its tmux session, folder and branch. */
export const AGENT_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const AGENT_NAME_HELP = '1-32 of a-z 0-9 - _, starting with a letter';

const name = z.string().regex(AGENT_NAME, { error: `a name: ${AGENT_NAME_HELP}` });
const env = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'a variable name' }), z.string());

const permissions = z.enum(['ask', 'auto', 'bypass']);
const restart = z.enum(['permanent', 'transient', 'temporary']);
const caps = {
  usd: z.number().positive().optional().meta({ description: 'USD: hard cap, warned of at 80 % (default: none)' }),
  tokens: z.number().int().positive().optional().meta({ description: 'tokens: hard cap (default: none)' }),
};
const budget = z.strictObject({ ...caps, perDay: z.strictObject(caps).optional() });
const agentBudget = budget.extend({
  context: z
    .number()
    .int()
    .positive()
    .optional()
    .meta({ description: "tokens: a lower limit of the context than the CLI's own (default: the CLI's)" }),
});

const price = z.strictObject({
  input: z.number().nonnegative().meta({ description: 'USD per million tokens' }),
  output: z.number().nonnegative().meta({ description: 'USD per million tokens' }),
  cacheRead: z.number().nonnegative().optional().meta({ description: 'USD per million tokens (default: as input)' }),
  cacheWrite: z.number().nonnegative().optional().meta({ description: 'USD per million tokens (default: as input)' }),
});

/** Where the work goes on when the agent's account is limited for long: a CLI by its name, or in full. Without `cli`, another model of its own. */
const fallback = z
  .array(
    z.union([
      z.string().min(1),
      z.strictObject({
        cli: z.string().min(1).optional(),
        model: z.string().min(1).optional(),
        account: z.string().min(1).optional(),
        settings: z.record(z.string(), z.json()).optional(),
      }),
    ]),
  )
  .max(8)
  .meta({
    description:
      'CLIs or models that take over, in order, when the account is limited for longer than watchdog.limit.fallbackAfter: [codex, {cli: claude, model: haiku, account: other}] (default none)',
  });
const fallbackReturn = z
  .boolean()
  .meta({ description: 'Return from the fallback with the next message after the limit is over (default false)' });

const defaults = z.strictObject({
  cli: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  restart: restart.optional(),
  permissions: permissions.optional(),
  budget: agentBudget.optional(),
  fallback: fallback.optional(),
  fallbackReturn: fallbackReturn.optional(),
});

const cli = z.strictObject({
  command: z.array(z.string().min(1)).min(1).optional(),
  args: z.array(z.string()).optional(),
  env: env.optional(),
  /** For a CLI that tutti does not know by name. */
  protocol: z.enum(['acp']).optional(),
});

const account = z.strictObject({ env: env.optional(), budget: budget.optional() });

const zone = z.strictObject({ budget: budget.optional() });

const agent = z.strictObject({
  cli: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  role: z.string().min(1).optional(),
  task: z.string().min(1).optional(),
  cwd: z.string().min(1).optional(),
  worktree: z.boolean().optional(),
  zone: z.string().min(1).optional(),
  parent: name.optional(),
  permissions: permissions.optional(),
  restart: restart.optional(),
  once: z.boolean().optional(),
  wanted: z.enum(['up', 'paused', 'down']).optional(),
  budget: agentBudget.optional(),
  account: z.string().min(1).optional(),
  fallback: fallback.optional(),
  fallbackReturn: fallbackReturn.optional(),
  env: env.optional(),
  settings: z.record(z.string(), z.json()).optional(),
});

const watchdog = z
  .strictObject({
    ...progressKeys,
    restarts: z.strictObject({ max: z.number().int().min(1).optional(), within: duration.optional() }).optional(),
    backoff: z
      .strictObject({ base: duration.optional(), cap: duration.optional(), resetAfter: duration.optional() })
      .optional(),
    limit: z
      .strictObject({
        base: duration
          .optional()
          .meta({ description: 'First wait after a limit that tells no reset time (default 60s)' }),
        cap: duration.optional().meta({ description: 'Longest such wait; each is twice the one before (default 15m)' }),
        grace: duration.optional().meta({
          description:
            'How long turns that run may go on after the first refusal of their account; then they are interrupted and resumed after the reset (default 3s)',
        }),
        fallbackAfter: duration.optional().meta({
          description:
            'An agent with a fallback goes on there when its account is, or is told to be, limited for longer than this (default 5m)',
        }),
      })
      .optional(),
  })
  .superRefine(refuseImpossible);

/** Keys of the contract that this version reads but does not act on yet: allowed only while empty, so that nothing is promised. */
const later = (what: string) =>
  z
    .unknown()
    .refine(isEmpty, { error: 'nothing: this version does not act on it yet; leave it empty' })
    .meta({ description: `${what}: must be empty in this version` });

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

export const projectSchema = z.strictObject({
  version: z.literal(1),
  project: name.optional(),
  defaults: defaults.optional(),
  clis: z.record(z.string().min(1), cli).optional(),
  accounts: z.record(z.string().min(1), account).optional(),
  agents: z.record(name, agent.nullable()).optional(),
  watchdog: watchdog.optional(),
  zones: z.record(z.string().min(1), zone).optional(),
  pipelines: later('pipelines').optional(),
  schedules: scheduleList.optional(),
  rules: later('rules').optional(),
});

/** Of the fleet as a whole: in config.yaml alone. */
const fleetWatchdog = watchdog.extend({
  triage: triage.optional(),
  massDeath: z
    .strictObject({
      agents: z.number().int().min(2).optional().meta({
        description:
          'So many agents (and half of those that ran) that end within the window have one cause (default 5)',
      }),
      within: duration.optional().meta({ description: 'The window (default 10s)' }),
      hold: duration
        .optional()
        .meta({ description: 'First wait before one agent tries; doubles while trying fails (default 15s)' }),
      cap: duration.optional().meta({ description: 'Longest such wait (default 5m)' }),
    })
    .refine(({ hold, cap }) => hold === undefined || cap === undefined || msOf(hold) <= msOf(cap), {
      error: 'a cap that is not shorter than the first hold',
    })
    .optional(),
});

const msOf = (text: string): number => parseDuration(text) ?? 0;

const requests = z.strictObject({
  denyAfter: duration.optional().meta({
    description: 'A permission or question that nobody has answered in this time is denied (default: never; it waits)',
  }),
  auto: z
    .array(
      z.strictObject({
        tool: z.enum(TOOLS),
        match: z.string().min(1).max(1_000),
        decision: z.enum(['allow', 'deny']),
      }),
    )
    .max(200)
    .optional()
    .meta({
      description:
        'list of `{tool, match, decision}`: permissions that are answered at once. `match` is the whole command, path, address or query, `*` for any text; ' +
        'the first that fits counts. `allow` holds for single commands alone (nothing with `;`, `|`, `$` and the like), and never for what a guard rule puts to a person',
    }),
});

const patrol = z.strictObject({
  every: duration.optional().meta({
    description:
      'How often processes, sessions, files, disk and memory are looked at while an agent is wanted up (default 60s; 0s: never)',
  }),
  diskFree: z
    .number()
    .min(0)
    .optional()
    .meta({ description: 'Less free space on the disk of the home is told. MiB (default 1024)' }),
  memoryFree: z
    .number()
    .min(0)
    .max(90)
    .optional()
    .meta({ description: 'Less available memory is told. Percent (default 5)' }),
});

const limits = z.strictObject({
  day: z.strictObject(caps).optional(),
  starts: z
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'CLIs that start at the same time (default 4)' }),
  agents: z.number().int().min(1).max(1_000).optional().meta({
    description: 'Agents with a process at the same time, idle ones too; further ones wait for a place (default 100)',
  }),
  depth: z
    .number()
    .int()
    .min(0)
    .max(32)
    .optional()
    .meta({ description: 'Levels of agents below a top one: agents may start agents to this depth (default 2)' }),
});

/** config.yaml: what holds for every project of this user. */
const userFile = z.strictObject({
  version: z.literal(1),
  defaults: defaults.optional(),
  clis: z.record(z.string().min(1), cli).optional(),
  accounts: z.record(z.string().min(1), account).optional(),
  watchdog: fleetWatchdog.optional(),
  limits: limits.optional(),
  timezone: z
    .string()
    .refine(isTimezone, { error: 'a time zone such as Europe/Berlin or UTC' })
    .optional()
    .meta({ description: "where days begin: `Europe/Berlin`, `UTC` (default: the machine's own)" }),
  prices: z.record(z.string().min(1), price).optional(),
  notify: notify.optional(),
  power: z
    .strictObject({
      inhibitSleep: z.boolean().optional().meta({
        description: 'keep the machine from idle sleep while agents work (systemd-inhibit, caffeinate)',
        default: false,
      }),
    })
    .optional(),
  patrol: patrol.optional(),
  requests: requests.optional(),
});
export const userSchema = userFile.superRefine(refuseKeyless);

export type ProjectConfig = z.infer<typeof projectSchema>;
export type UserConfig = z.infer<typeof userSchema>;
export type AgentConfig = z.infer<typeof agent>;
export type CliConfig = z.infer<typeof cli>;

/** JSON Schema of config.yaml, for its reference page. */
export function userJsonSchema(): object {
  return z.toJSONSchema(userSchema, { target: 'draft-2020-12', io: 'output' });
}

/** JSON Schema of tutti.yaml, for editors (`tutti config schema`). */
export function projectJsonSchema(): object {
  return z.toJSONSchema(projectSchema, { target: 'draft-2020-12', io: 'input' });
}
