/** What goes wrong, and what people do, drawn from the seed. */
import type { CrashPoint } from './supervisor.ts';
import { SimSupervisor } from './supervisor.ts';
import type { People } from './people.ts';
import type { Place, World } from './world.ts';

export const CRASH_POINTS: CrashPoint[] = ['before-append', 'torn-append', 'before-effects'];

/** Starts a supervisor if none runs. */
export function startSupervisor(world: World): void {
  if (world.supervisor) return;
  const supervisor = new SimSupervisor(world);
  world.supervisor = supervisor;
  world.note('supervisor', `starts at seq ${supervisor.state.seq}`);
  supervisor.boot();
}

export type Fault = (world: World, place: Place) => void;

const killCli: Fault = (world, place) => {
  const cli = place.host?.cli;
  if (!cli?.alive) return;
  world.note(cli.label, 'KILLED');
  cli.exit(world.chance.is(0.1) ? 'clean' : 'killed');
};

const killHost: Fault = (_world, place) => place.host?.kill();

const freezeHost: Fault = (world, place) => {
  const { host } = place;
  if (!host || host.frozen) return;
  host.freeze();
  world.after(world.chance.int(100, 20_000), () => {
    host.thaw();
    if (host.alive) world.supervisor?.thawed(host);
  });
};

const killSupervisor: Fault = (world) => {
  const { supervisor, chance } = world;
  if (!supervisor) return;
  if (chance.is(0.3)) {
    world.note('supervisor', 'KILLED');
    supervisor.kill();
  } else supervisor.crashAt = chance.of(CRASH_POINTS);
  world.after(chance.int(200, 30_000), () => startSupervisor(world));
};

const killTmux: Fault = (world) => {
  world.note('tmux', 'KILLED');
  for (const { host } of world.places.values()) if (host) host.blind = true;
  world.supervisor?.tmuxLost();
};

const oldProtocol: Fault = (_world, place) => {
  if (place.host) place.host.protocol = 0;
};

const powerLoss: Fault = (world) => {
  world.powerLoss();
  world.after(world.chance.int(1_000, 30_000), () => startSupervisor(world));
};

export const FAULTS: [weight: number, fault: Fault][] = [
  [10, killCli],
  [6, killHost],
  [3, freezeHost],
  [8, killSupervisor],
  [1, killTmux],
  [1, oldProtocol],
  [1, powerLoss],
];

export function fault(world: World): void {
  const place = anyPlace(world);
  if (place) weighted(world, FAULTS)(world, place);
}

type Deed = (people: People, place: Place, world: World) => void;

const DEEDS: [weight: number, deed: Deed][] = [
  [24, (people, { id }) => people.send(id, false)],
  [5, (people, { id }) => people.send(id, true)],
  [4, (people, { id }) => people.type(id)],
  [2, (people, { id }, world) => people.ask({ verb: 'pause', agentId: id, now: world.chance.is(0.3) })],
  [4, (people, { id }) => people.resume(id)],
  [2, (people, { id }) => people.ask({ verb: 'stop', agentId: id })],
  [2, (people, { id }) => people.restart(id, false)],
  [1, (people, { id }) => people.restart(id, true)],
  [2, (people, { id }) => people.ask({ verb: 'interrupt', agentId: id })],
  [4, (people, { id }) => people.answer(id)],
];

export function deed(world: World, people: People): void {
  const place = anyPlace(world);
  if (place && !people.removed.has(place.id)) weighted(world, DEEDS)(people, place, world);
}

export function anyPlace(world: World): Place | null {
  const places = [...world.places.values()];
  return places.length === 0 ? null : world.chance.of(places);
}

export function weighted<T>(world: World, table: [number, T][]): T {
  let left = world.chance.next() * table.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, item] of table) {
    left -= weight;
    if (left < 0) return item;
  }
  return (table[0] as [number, T])[1];
}
