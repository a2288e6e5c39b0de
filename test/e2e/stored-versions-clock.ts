/**
 * A clock for stored states, which must not age in the repository. It stands still at the time at which a state was
 * stored, then runs from there. The whole isolate sees this time, and alarms fire when they are due by it.
 */

const RealDate = Date;
let now = (): number => RealDate.now();
/** How far the running clock is ahead of the real time, ms. */
let offset = 0;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});

/** How far a time is ahead of the real time now, ms; negative when it has passed. */
export const aheadOf = (instant: number): number => instant - RealDate.now();

/** Stops the clock. @param at the time that it shows, ms since the epoch */
export const stopClock = (at: number): void => {
  now = () => at;
};

/** Starts the clock. @param at what it shows now, ms since the epoch @returns how far that is ahead of the real time, ms */
export const startClock = (at: number): number => {
  offset = aheadOf(at);
  now = () => RealDate.now() + offset;
  return offset;
};

/** The clock shows the real time again. */
export const resetClock = (): void => {
  offset = 0;
  now = () => RealDate.now();
};

let alarmsFollow = false;

/** Makes the alarms of all objects follow the clock. */
export const followClock = (storage: DurableObjectStorage): void => {
  if (alarmsFollow) return;
  alarmsFollow = true;
  const prototype: DurableObjectStorage = Object.getPrototypeOf(storage);
  const { setAlarm, getAlarm } = prototype;
  prototype.setAlarm = function (at, options) {
    return setAlarm.call(this, Number(at) - offset, options);
  };
  prototype.getAlarm = async function (options) {
    const at = await getAlarm.call(this, options);
    return at === null ? null : at + offset;
  };
};
