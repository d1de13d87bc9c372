/** Thresholds of one agent: its project's watchdog section over the user's. */
import type { AgentState, State } from '../state.ts';
import type { Settings } from '../step.ts';
import type { ProjectConfig } from './schema.ts';
import { withWatchdog } from './settings.ts';

/** What came out for a project's section: asked for each agent after each step, and the section changes only with an `up`. */
const known = new WeakMap<object, { base: Settings; settings: Settings }>();

export function settingsOf(state: State, agent: AgentState, base: Settings): Settings {
  const section = state.projects[agent.project]?.config.watchdog;
  if (typeof section !== 'object' || section === null) return base;
  const found = known.get(section);
  if (found?.base === base) return found.settings;
  const settings = withWatchdog(base, section as NonNullable<ProjectConfig['watchdog']>);
  known.set(section, { base, settings });
  return settings;
}
