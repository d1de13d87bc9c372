/**
 * The real CLIs for `npm run test:real`: where scripts/real-clis.mjs put them, and the clean environment that each needs to run against
 * the scripted model: a home of its own, a dummy key, a base URL on 127.0.0.1, telemetry and updates off.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type RealCliName = 'claude' | 'codex' | 'gemini' | 'opencode';
export const REAL_CLIS = ['claude', 'codex', 'gemini', 'opencode'] as const satisfies readonly RealCliName[];

export interface RealCli {
  name: RealCliName;
  version: string;
  /** For `clis.<name>.command`. */
  command: string[];
  /** Model to name where the CLI wants one; null = its settings name it. */
  model: string | null;
  /**
   * The whole environment of the CLI. Writes the settings it needs into `home`.
   * @param home an existing, empty folder
   * @param baseUrl of the scripted server, `urlFor(name)`
   */
  environment(home: string, baseUrl: string): Record<string, string>;
  /** Arguments behind `command` for one prompt without a person, with all permissions. */
  oneShot(prompt: string): string[];
}

const CACHE = join(new URL('../..', import.meta.url).pathname, '.cache', 'real-clis');
const KEY = 'dummy-key-of-the-tests';

interface Recipe {
  package: string;
  bin: string;
  model: string | null;
  /** File in the home → content. */
  files(baseUrl: string): Record<string, string>;
  variables(baseUrl: string): Record<string, string>;
  oneShot(prompt: string): string[];
}

const opencodeConfig = (baseUrl: string): string =>
  JSON.stringify({
    provider: {
      scripted: {
        npm: '@ai-sdk/openai-compatible',
        name: 'Scripted',
        options: { baseURL: `${baseUrl}/v1`, apiKey: KEY },
        models: { 'scripted-model': { name: 'Scripted', limit: { context: 200_000, output: 8192 } } },
      },
    },
    model: 'scripted/scripted-model',
    small_model: 'scripted/scripted-model',
    autoupdate: false,
    share: 'disabled',
    lsp: false,
  });

const codexConfig = (baseUrl: string): string => `model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.scripted]
name = "scripted"
base_url = "${baseUrl}/v1"
wire_api = "responses"
env_key = "SCRIPTED_API_KEY"
`;

const RECIPES: Readonly<Record<RealCliName, Recipe>> = {
  claude: {
    package: '@anthropic-ai/claude-code',
    bin: 'claude',
    model: null,
    files: () => ({}),
    variables: (baseUrl) => ({
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_API_KEY: KEY,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      // Tests run as root in containers; without it claude refuses to skip permissions there.
      IS_SANDBOX: '1',
    }),
    oneShot: (prompt) => [
      '-p',
      '--output-format',
      'stream-json',
      '--verbose',
      '--dangerously-skip-permissions',
      prompt,
    ],
  },
  codex: {
    package: '@openai/codex',
    bin: 'codex',
    model: null,
    files: (baseUrl) => ({ '.codex/config.toml': codexConfig(baseUrl) }),
    variables: () => ({ SCRIPTED_API_KEY: KEY }),
    oneShot: (prompt) => [
      'exec',
      '--json',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      prompt,
    ],
  },
  gemini: {
    package: '@google/gemini-cli',
    bin: 'gemini',
    model: 'gemini-2.5-pro',
    files: () => ({
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true, disableUpdateNag: true },
        telemetry: { enabled: false },
      }),
    }),
    variables: (baseUrl) => ({
      GEMINI_API_KEY: KEY,
      GOOGLE_GEMINI_BASE_URL: baseUrl,
      GEMINI_CLI_NO_RELAUNCH: 'true',
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    }),
    oneShot: (prompt) => [
      '-p',
      prompt,
      '--output-format',
      'stream-json',
      '--yolo',
      '--skip-trust',
      '-m',
      'gemini-2.5-pro',
    ],
  },
  opencode: {
    package: 'opencode-ai',
    bin: 'opencode',
    model: null,
    files: (baseUrl) => ({ '.config/opencode/opencode.json': opencodeConfig(baseUrl) }),
    variables: () => ({
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    }),
    oneShot: (prompt) => ['run', '--format', 'json', prompt],
  },
};

/** The installed CLI, or null (then {@link skipLine} says what to do). */
export function realCli(name: RealCliName): RealCli | null {
  const recipe = RECIPES[name];
  const folder = join(CACHE, name, 'node_modules');
  const program = join(folder, '.bin', recipe.bin);
  if (!existsSync(program)) return null;
  const manifest = JSON.parse(readFileSync(join(folder, recipe.package, 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    name,
    version: manifest.version,
    command: [program],
    model: recipe.model,
    environment(home, baseUrl) {
      for (const [path, content] of Object.entries(recipe.files(baseUrl))) {
        mkdirSync(dirname(join(home, path)), { recursive: true });
        writeFileSync(join(home, path), content, { mode: 0o600 });
      }
      // The folder of the running node first: the CLIs' programs begin with `env node`.
      const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
      return { PATH: path, HOME: home, LANG: 'C.UTF-8', TERM: 'dumb', ...recipe.variables(baseUrl) };
    },
    oneShot: recipe.oneShot,
  };
}

export const skipLine = (name: RealCliName): string =>
  `${name} is not installed: node scripts/real-clis.mjs ${name} puts it into .cache/real-clis (needs the package registry)`;
