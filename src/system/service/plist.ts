/** The launchd agents: the supervisor, and the timer that looks after it (launchd itself knows no watchdog). */
import { join } from 'node:path';
import { launcherPath } from './launcher.ts';
import type { ServicePlace } from './place.ts';

/** Shortest time between two starts. Seconds. */
const THROTTLE_S = 10;
/** How often the outer timer looks whether the supervisor answers. Seconds. */
const OUTER_EVERY_S = 300;
/** As TimeoutStopSec of the unit. Seconds. */
const STOP_LIMIT_S = 45;
/** 077: launchd wants it as a number. */
const UMASK = 0o077;

type Value = string | number | boolean | Value[] | { [key: string]: Value };

export function label(place: Pick<ServicePlace, 'isDefault' | 'home8'>): string {
  return place.isDefault ? 'dev.tutti.supervisor' : `dev.tutti.supervisor.${place.home8}`;
}

export function outerLabel(place: Pick<ServicePlace, 'isDefault' | 'home8'>): string {
  return `${label(place)}.outer`;
}

export function plistPath(place: ServicePlace, name: string): string {
  return join(place.userHome, 'Library/LaunchAgents', `${name}.plist`);
}

/**
 * KeepAlive unless it ended with 0: that it does only when a person asked for it. AbandonProcessGroup: what it started
 * (the tmux server, the agents) lives on when it ends.
 */
export function plistText(place: ServicePlace, mark: string): string {
  return document(mark, {
    ...common(place, label(place), [launcherPath(place.home)]),
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: THROTTLE_S,
    ExitTimeOut: STOP_LIMIT_S,
  });
}

/** Every five minutes: ends a supervisor that does not answer or does not turn; launchd then starts it anew. */
export function outerPlistText(place: ServicePlace, mark: string): string {
  return document(mark, {
    ...common(place, outerLabel(place), [launcherPath(place.home), 'check']),
    StartInterval: OUTER_EVERY_S,
  });
}

function common(place: ServicePlace, name: string, argv: string[]): { [key: string]: Value } {
  const log = join(place.home, 'log', 'service.log');
  return {
    Label: name,
    ProgramArguments: argv,
    EnvironmentVariables: place.env,
    WorkingDirectory: place.home,
    StandardOutPath: log,
    StandardErrorPath: log,
    Umask: UMASK,
    AbandonProcessGroup: true,
  };
}

function document(mark: string, value: Value): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    comment(mark),
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    ...element(value, ''),
    '</plist>',
    '',
  ].join('\n');
}

/** Two dashes may not stand in a comment. */
export function comment(text: string): string {
  return `<!-- ${xml(text).replaceAll('-', '&#45;')} -->`;
}

function element(value: Value, indent: string): string[] {
  if (typeof value === 'string') return [`${indent}<string>${xml(value)}</string>`];
  if (typeof value === 'number') return [`${indent}<integer>${value}</integer>`];
  if (typeof value === 'boolean') return [`${indent}<${value}/>`];
  const inner = `${indent}  `;
  if (Array.isArray(value))
    return [`${indent}<array>`, ...value.flatMap((each) => element(each, inner)), `${indent}</array>`];
  const entries = Object.entries(value).flatMap(([key, each]) => [
    `${inner}<key>${xml(key)}</key>`,
    ...element(each, inner),
  ]);
  return [`${indent}<dict>`, ...entries, `${indent}</dict>`];
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
