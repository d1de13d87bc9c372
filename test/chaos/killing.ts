/** Plays the deck: picks the moment, kills, and goes on when the fleet has had a chance to come back. */
import { sleep } from '../../src/system/clock.ts';
import { type Counts, type Kill, killNow, pidOf } from './kills.ts';
import type { Stage } from './stage.ts';

/** Longest wait for a tool to run in the chosen agent. Milliseconds. */
const TOOL_WAIT_MS = 6_000;
/** Longest wait for a victim to exist. Milliseconds. */
const VICTIM_WAIT_MS = 120_000;
/** Pause between two kills: from now on up to this. Milliseconds. */
const PAUSE_MS = 1_200;

export async function killing(
  stage: Stage,
  deck: Kill[],
  random: () => number,
  killed: (count: number) => void,
): Promise<Counts> {
  const counts: Counts = { cli: 0, host: 0, supervisor: 0, tmux: 0, inTool: 0, inDelivery: 0 };
  for (const [i, kill] of deck.entries()) {
    await sleep(random() * PAUSE_MS);
    const agent = stage.agents[Math.floor(random() * stage.agents.length)]?.name ?? '';
    const end = performance.now() + VICTIM_WAIT_MS;
    for (;;) {
      // The pid first: between the moment and the kill nothing may be asked.
      const pid = await stage.withClient((client) => pidOf(client, kill.victim, agent, stage.tmuxSocket));
      const inDelivery = kill.moment === 'delivery' && (await stage.waitForDelivery(agent, TOOL_WAIT_MS));
      const inTool =
        kill.moment === 'tool' &&
        (await stage.waitForTool(kill.victim === 'cli' || kill.victim === 'host' ? agent : null, TOOL_WAIT_MS));
      if (pid !== null && killNow(pid)) {
        counts[kill.victim]++;
        if (inTool || stage.toolRuns(null)) counts.inTool++;
        if (inDelivery) counts.inDelivery++;
        break;
      }
      if (performance.now() > end)
        throw new Error(`no ${kill.victim} of ${agent} to kill for ${VICTIM_WAIT_MS / 1_000} s`);
      await sleep(100);
    }
    killed(i + 1);
  }
  return counts;
}
