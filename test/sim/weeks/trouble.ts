/** What goes wrong in a week, beside the deaths of processes: limits, storms, agents that go astray, things that are stopped, clocks. */
import { FAULTS, startSupervisor, weighted } from '../faults.ts';
import { newAilment } from './ailment.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';
import { TELLS } from './server.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Trouble = (fleet: Fleet, member: Member) => void;

const shake = (fleet: Fleet, member: Member): void => {
  member.shakenAt = fleet.world.trueNow;
};

/** Something dies or is stopped for a moment. */
const death: Trouble = (fleet, member) => {
  const { world } = fleet;
  for (const other of fleet.members) if (other === member) shake(fleet, other);
  weighted(world, FAULTS)(world, member.place);
};

const ail: Trouble = ({ world }, member) => {
  if (member.ailment) return;
  member.ailment = newAilment(world);
  world.note(member.place.name, `is going to be ${member.ailment.kind}, until ${member.ailment.cure}`);
};

const freezeCli: Trouble = (fleet, member) => {
  const { world } = fleet;
  const cli = member.place.host?.cli;
  if (!cli?.alive || cli.frozen) return;
  cli.freeze();
  shake(fleet, member);
  if (world.chance.is(0.4)) return;
  world.after(world.chance.int(1_000, 40 * MINUTE_MS), () => {
    cli.thaw();
    shake(fleet, member);
  });
};

/** Stopped for long, or for ever. */
const freezeHost: Trouble = (fleet, member) => {
  const { world } = fleet;
  const { host } = member.place;
  if (!host?.alive || host.frozen) return;
  host.freeze();
  shake(fleet, member);
  if (world.chance.is(0.4)) return;
  world.after(world.chance.int(10_000, 40 * MINUTE_MS), () => {
    host.thaw();
    shake(fleet, member);
    if (host.alive) world.supervisor?.thawed(host);
  });
};

const outage: Trouble = ({ world }) => {
  if (!world.supervisor) return;
  world.note('supervisor', 'is AWAY');
  world.supervisor.kill();
  world.after(world.chance.int(2 * MINUTE_MS, 3 * HOUR_MS), () => startSupervisor(world));
};

const massDeath: Trouble = (fleet) => {
  const { world } = fleet;
  world.note('machine', 'MASS DEATH');
  for (const member of fleet.members) {
    if (world.chance.is(0.3)) continue;
    shake(fleet, member);
    member.place.host?.cli?.exit('killed');
  }
};

/** The machine sleeps: its timers stand still, the world does not. */
const sleep: Trouble = (fleet) => {
  const { world } = fleet;
  const ms = world.chance.int(5 * MINUTE_MS, 9 * HOUR_MS);
  world.note('machine', `SLEEPS for ${Math.round(ms / MINUTE_MS)} min`);
  world.slept += ms;
  clockChanged(fleet);
};

const setBack: Trouble = (fleet) => {
  const { world } = fleet;
  // Once, so that no time is shown three times.
  if (world.wrong !== 0) return;
  world.wrong = -world.chance.int(1, 60) * MINUTE_MS;
  world.note('machine', `SETS its clock BACK by ${-world.wrong / MINUTE_MS} min`);
  clockChanged(fleet);
};

function clockChanged(fleet: Fleet): void {
  fleet.clockAt = fleet.world.trueNow;
  fleet.world.supervisor?.clockJumped();
}

const limit: Trouble = ({ world, server, members }, member) => {
  const { account } = member;
  if (members.length === 0 || server.isLimited(account)) return;
  const { chance } = world;
  server.limit(account, chance.int(MINUTE_MS, chance.is(0.5) ? 30 * MINUTE_MS : 5 * HOUR_MS), chance.of(TELLS));
};

const storm: Trouble = ({ world, server }) =>
  server.storm(world.chance.int(20_000, 25 * MINUTE_MS), 0.4 + 0.6 * world.chance.next());

/** Whatever is started dies, for a while. */
const epidemic: Trouble = ({ world }) => {
  const before = world.rates;
  world.rates = { ...before, startCrash: 0.9 };
  world.note('machine', 'what is started DIES');
  world.after(world.chance.int(30_000, 20 * MINUTE_MS), () => {
    world.rates = { ...world.rates, startCrash: before.startCrash };
  });
};

const TROUBLES: [weight: number, trouble: Trouble][] = [
  [30, death],
  [25, ail],
  [6, freezeCli],
  [5, freezeHost],
  [1, outage],
  [0.7, massDeath],
  [0.7, sleep],
  [0.15, setBack],
  [5, limit],
  [1.5, storm],
  [0.5, epidemic],
];

/** One trouble after another until `until` says that it is enough. */
export function trouble(fleet: Fleet, over: () => boolean): void {
  const { world, members } = fleet;
  const { chance } = world;
  world.after(chance.int(MINUTE_MS, 30 * MINUTE_MS), () => {
    if (over()) return;
    weighted(world, TROUBLES)(fleet, chance.of(members));
    trouble(fleet, over);
  });
}
