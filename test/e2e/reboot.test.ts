/**
 * A machine that went down: every process of a home is gone at once, its locks and sockets are of another boot, /tmp is empty. The
 * service brings the fleet up again, a few at a time, with the same conversations.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStarting } from '../../src/core/agent.ts';
import type { TuttiEvent } from '../../src/core/event.ts';
import { core } from '../../src/supervisor/core.ts';
import { errorCode } from '../../src/system/disk.ts';
import { shortRunDir } from '../../src/system/paths.ts';
import { self, startOf } from '../../src/system/proc/index.ts';
import { processesOf } from '../support/processes.ts';
import { notedHomes } from '../support/run.ts';
import { type PlayedSystemd, playService } from '../support/service-manager.ts';
import { tmuxSocketPath } from '../support/tmux-socket.ts';
import { type TuttiHome, tuttiHome } from '../support/tutti.ts';
import { waitFor } from '../support/wait.ts';

const OTHER_BOOT = '00000000-0000-0000-0000-000000000000';
/** CLIs that may start at the same time. */
const STARTS = 2;
const NAMES = ['ada', 'bea', 'cid', 'dan', 'eve'];
const hold = (name: string): string => `Hold. [[scenario:tool cmd="until [ -e ${name} ]; do sleep 0.05; done"]]`;

let home: TuttiHome;
let systemd: PlayedSystemd | null = null;
beforeEach(async () => {
  home = await tuttiHome();
});
afterEach(async () => {
  await systemd?.end();
  systemd = null;
  await home.remove();
});

/** Everything of the home is killed, none of it with a chance to say a word. */
async function powerOff(): Promise<void> {
  const mine = notedHomes().filter((noted) => noted.home === home.home);
  const found = processesOf(mine).filter((entry) => entry.pid !== process.pid);
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // The kernel ended it with its parent.
      if (errorCode(error) !== 'ESRCH') throw error;
    }
  }
  await waitFor('all are gone', () => found.every(({ pid, start }) => startOf(pid) !== start));
}

/** Locks of another boot that name a process which lives (its pid and start time came again), and no sockets in /tmp. */
function boot(): number {
  const places = [home.paths.run, join(home.paths.run, 'hosts')];
  const locks = places
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith('.lock'));
  for (const path of locks) {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...owner, ...self(), boot: OTHER_BOOT }));
  }
  const tally = JSON.parse(readFileSync(home.paths.tally, 'utf8')) as { running: object };
  const running = { ...tally.running, ...self(), boot: OTHER_BOOT };
  writeFileSync(home.paths.tally, JSON.stringify({ ...tally, crashes: 3, running }));
  rmSync(tmuxSocketPath(home.tmuxSocket), { force: true });
  rmSync(shortRunDir(home.home8), { recursive: true, force: true });
  return locks.length;
}

/** The most that were starting at the same time, by the log. */
function mostStarting(events: TuttiEvent[], since: number): number {
  let most = 0;
  let state = core.emptyState('replayed');
  for (const event of events) {
    state = core.reduce(state, event);
    if (event.seq > since) most = Math.max(most, Object.values(state.agents).filter(isStarting).length);
  }
  return most;
}

describe('after a reboot', () => {
  it('the fleet is up again, staggered, each agent with its conversation and what it was at', async () => {
    const config = join(home.home, 'config.yaml');
    writeFileSync(config, `version: 1\nlimits: { starts: ${STARTS} }\n`);
    systemd = await playService(home, { TUTTI_CONFIG: config });
    await systemd.ready(1);
    for (const name of NAMES) await home.data(['spawn', name, '--task', `remember ${name}`]);
    for (const name of NAMES) await home.idle(name);
    await home.data(['send', 'dan', hold('never')]);
    await home.data(['send', 'eve', 'sent before', '--wait']);
    await home.data(['stop', 'cid']);
    await home.until('dan', (agent) => agent.toolCalls === 1);
    await home.data(['send', 'dan', 'queued before the power went']);
    const before = new Map(await Promise.all(NAMES.map(async (name) => [name, await home.agent(name)] as const)));
    await systemd.end();
    await powerOff();
    expect(boot()).toBeGreaterThanOrEqual(NAMES.length - 1);

    // What the command waited for did not survive either; the scripted model goes on from the transcript.
    writeFileSync(join(home.work, 'never'), '');
    systemd = await playService(home, { TUTTI_CONFIG: config });
    await systemd.ready(1);
    for (const name of NAMES.filter((each) => each !== 'cid')) {
      const was = before.get(name);
      const is = await home.idle(name);
      expect(is, name).toMatchObject({
        id: was?.id,
        conversationId: was?.conversationId,
        incarnation: 2,
        state: 'idle',
      });
      expect(is.pid).not.toBe(was?.pid);
    }
    expect(await home.agent('cid')).toMatchObject({ state: 'stopped', incarnation: 1 });
    expect((await home.said('dan')).filter((text) => text.endsWith('queued before the power went'))).toEqual([
      'user: queued before the power went',
      'assistant: ack queued before the power went',
    ]);
    await home.data(['send', 'ada', 'still you?', '--wait']);
    const asked = home.model.requests().at(-1)?.conversation ?? '';
    const texts = home.model.messages(asked).map((message) => message.text);
    expect(texts.join('\n')).toMatch(/remember ada[\s\S]*still you\?/);
    expect(texts.join('\n')).not.toContain('remember bea');

    const events = await home.events();
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
    const rebooted = events.filter((event) => event.type === 'command' && event.verb === 'boot').at(-1)?.seq ?? 0;
    expect(mostStarting(events, rebooted)).toBe(STARTS);
    // The tally holds nothing against it, and the crashes before the reboot are past.
    expect((await home.data(['supervisor', 'status']))['crashes']).toBe(0);
  });
});
