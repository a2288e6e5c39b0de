/**
 * A clock that can be moved forward, for simulating weeks. The whole isolate sees its time, and alarms follow it. Without
 * the setting CLOCK_OFFSET_MS nothing is changed.
 */
import { env } from "cloudflare:workers";
import { moveAlarms, moveDate, realNow } from "../../lib/moved-clock.ts";

const setting: unknown = Reflect.get(env, "CLOCK_OFFSET_MS");
const moves = setting !== undefined;
/** How far the clock is ahead of real time, ms. A new runtime starts where the last one was. */
let offset = Number(setting ?? 0);

if (moves) moveDate(() => realNow() + offset);

/** @returns how far the clock was moved, ms */
export const moveClock = (to: number): number => {
  const moved = to - offset;
  offset = to;
  return moved;
};

/** Makes alarms follow the clock, once for all objects. */
export const followClock = (storage: DurableObjectStorage): void => {
  if (moves) moveAlarms(storage, () => offset);
};
