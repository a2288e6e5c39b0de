/** Time, processor time and memory of a first full run of both streams as the org grows. */
import type { Report } from "../lib/report.ts";
import type { MeasuredSize } from "../lib/sizes.ts";
import { grouped } from "../lib/statistics.ts";

/** What the larger sizes are held against, where it was measured: small ones are all start-up. */
const REFERENCE = 10_000;
/** Five times the users, at most so many times the memory. */
const MEMORY_GOAL = 1.3;
/** Flat within the noise. */
const TIME_GOAL = 1.3;

export const reportGrowth = (report: Report, sizes: readonly MeasuredSize[]): void => {
  const reference = sizes.find(({ users }) => users === REFERENCE) ?? sizes[0];
  if (reference === undefined) return;
  const table = `Growth: a first full run of users and as many devices, beside ${grouped(reference.users)} users in a process of its own`;
  const besideWhat = `${grouped(reference.users)} users`;
  for (const size of sizes) {
    const label = `${grouped(size.users)} users`;
    const goal = (atMost: number) =>
      size.users > REFERENCE && reference.users === REFERENCE ? { atMost } : {};
    report.add({
      table,
      what: `${label}: time per user`,
      ours: size.first.ms / size.users,
      beside: reference.first.ms / reference.users,
      besideWhat,
      unit: "ms",
    });
    if (size.cpuMs === null || reference.cpuMs === null) continue;
    report.add({
      table,
      what: `${label}: processor time per user`,
      ours: size.cpuMs / size.users,
      beside: reference.cpuMs / reference.users,
      besideWhat,
      unit: "ms",
      ...goal(TIME_GOAL),
    });
    if (size.memory === null || reference.memory === null) continue;
    const mb = (what: string, ours: number, beside: number, of = besideWhat) => ({
      table,
      what: `${label}: ${what}`,
      ours,
      beside,
      besideWhat: of,
      unit: "MB",
    });
    const { idle, peak, settled } = size.memory;
    report.add(
      { ...mb("peak resident set", peak, reference.memory.peak), ...goal(MEMORY_GOAL) },
      mb("… of it above the idle runtime's", peak - idle, idle, "the idle runtime with the Worker loaded"),
      mb("at rest after the run", settled, peak, "its peak"),
    );
  }
};
