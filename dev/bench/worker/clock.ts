/**
 * A clock that can be moved forward, for simulating weeks. The whole isolate sees its time, and alarms follow it. Without
 * the setting CLOCK_OFFSET_MS nothing is changed.
 */
import { env } from "cloudflare:workers";

const setting: unknown = Reflect.get(env, "CLOCK_OFFSET_MS");
const moves = setting !== undefined;
/** How far the clock is ahead of real time, ms. A new runtime starts where the last one was. */
let offset = Number(setting ?? 0);

if (moves) {
  const RealDate = Date;
  const now = (): number => RealDate.now() + offset;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
    get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
  });
}

/** @returns how far the clock was moved, ms */
export const moveClock = (to: number): number => {
  const moved = to - offset;
  offset = to;
  return moved;
};

let alarmsFollow = false;

/** Makes alarms follow the clock, once for all objects. */
export const followClock = (storage: DurableObjectStorage): void => {
  if (!moves || alarmsFollow) return;
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
