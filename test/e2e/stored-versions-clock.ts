/**
 * A clock for stored states, which must not age in the repository. It stands still at the time at which a state was
 * stored, then runs from there. The whole isolate sees this time, and alarms fire when they are due by it.
 */
import { moveAlarms, moveDate, realNow } from "../../dev/lib/moved-clock.ts";

let now = realNow;
/** How far the running clock is ahead of the real time, ms. */
let offset = 0;

moveDate(() => now());

/** How far a time is ahead of the real time now, ms; negative when it has passed. */
export const aheadOf = (instant: number): number => instant - realNow();

/** Stops the clock. @param at the time that it shows, ms since the epoch */
export const stopClock = (at: number): void => {
  now = () => at;
};

/** Starts the clock. @param at what it shows now, ms since the epoch @returns how far that is ahead of the real time, ms */
export const startClock = (at: number): number => {
  offset = aheadOf(at);
  now = () => realNow() + offset;
  return offset;
};

/** The clock shows the real time again. */
export const resetClock = (): void => {
  offset = 0;
  now = realNow;
};

/** Makes the alarms of all objects follow the clock. */
export const followClock = (storage: DurableObjectStorage): void => moveAlarms(storage, () => offset);
