/** Time, processor time and memory of a first full run of both streams as the org grows. */
import type { Report } from "../lib/report.ts";
import type { MeasuredSize } from "../lib/sizes.ts";
import { grouped } from "../lib/statistics.ts";

/** The size that larger ones are compared with if it was measured. Smaller ones consist mostly of start-up. */
const REFERENCE = 10_000;
/** Five times the users may take at most this many times the memory, and this many times what fetching alone takes. */
const MEMORY_GOAL = 1.3;
/** Constant, except that SQLite's indexes are deeper. */
const TIME_GOAL = 1.15;

export const reportGrowth = (report: Report, sizes: readonly MeasuredSize[]): void => {
  const reference = sizes.find(({ users }) => users === REFERENCE) ?? sizes[0];
  if (reference === undefined) return;
  const than = `${grouped(reference.users)} users`;
  const floorWhat = "fetching and parsing the same, in a process of its own";
  for (const { users, ours, floor } of sizes) {
    const table = `Growth: a first full run of ${grouped(users)} users and their devices, beside ${than}; each in a process of its own`;
    const row = (what: string, unit: string, mine: number, beside: number, besideWhat: string) => ({
      table,
      what,
      unit,
      ours: mine,
      beside,
      besideWhat,
    });
    const goal = (atMost: number) => (users > REFERENCE && reference.users === REFERENCE ? { atMost } : {});
    report.add(
      row("time per user", "ms", ours.ms / users, reference.ours.ms / reference.users, than),
      row("… time beside the floor", "ms", ours.ms / users, floor.ms / users, floorWhat),
    );
    if (Number.isNaN(ours.cpuMs)) continue;
    const { idle, peak, live } = ours.memory;
    report.add(
      {
        ...row(
          "processor time per user",
          "ms",
          ours.cpuMs / users,
          reference.ours.cpuMs / reference.users,
          than,
        ),
        ...goal(TIME_GOAL),
      },
      row("… processor time beside the floor", "ms", ours.cpuMs / users, floor.cpuMs / users, floorWhat),
      { ...row("peak resident set", "MB", peak, reference.ours.memory.peak, than), ...goal(MEMORY_GOAL) },
      row("… of it the idle runtime", "MB", peak, idle, "before the run, the Worker loaded"),
      { ...row("… beside the floor's peak", "MB", peak, floor.memory.peak, floorWhat), atMost: MEMORY_GOAL },
      row("live after the run, garbage collected", "MB", live, reference.ours.memory.live, than),
      row("… live beside the floor", "MB", live, floor.memory.live, floorWhat),
    );
  }
};
