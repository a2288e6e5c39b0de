/** Moves the clock of a whole isolate, and the alarms of its Durable Objects with it. */

const RealDate = Date;

/** The real time, ms since the epoch, whatever the moved clock shows. */
export const realNow = (): number => RealDate.now();

/** Makes `Date` show another time. @param now ms since the epoch, asked every time */
export const moveDate = (now: () => number): void => {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
    get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
  });
};

let alarmsFollow = false;

/**
 * Makes the alarms of all objects follow the moved clock. Only the first call does anything.
 * @param storage of any object
 * @param offset how far the clock is ahead of the real time, ms, asked every time
 */
export const moveAlarms = (storage: DurableObjectStorage, offset: () => number): void => {
  if (alarmsFollow) return;
  alarmsFollow = true;
  const prototype: DurableObjectStorage = Object.getPrototypeOf(storage);
  const { setAlarm, getAlarm } = prototype;
  prototype.setAlarm = function (at, options) {
    return setAlarm.call(this, Number(at) - offset(), options);
  };
  prototype.getAlarm = async function (options) {
    const at = await getAlarm.call(this, options);
    return at === null ? null : at + offset();
  };
};
