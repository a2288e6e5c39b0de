/**
 * Counts that are sent a moment later, those of an isolate together, so that counting neither delays an answer nor costs a
 * request for each.
 */

interface Pending<T> {
  value: T;
  /** When sending was last scheduled, ms since the epoch. It can be lost with the request that scheduled it. */
  scheduledAt: number;
}

const FLUSH_MS = 1_000;
const LOST_MS = 5_000;

/** @param key what is counted together @param send never throws @param background keeps the Worker alive: `ctx.waitUntil` */
export type Gather<T> = (
  key: string,
  value: T,
  send: (value: T) => Promise<void>,
  background: (work: Promise<void>) => void,
) => void;

/** Makes a place where values gather until they are sent. @param add joins two of them */
export const gathering = <T>(add: (a: T, b: T) => T): Gather<T> => {
  const pending = new Map<string, Pending<T>>();
  return (key, value, send, background) => {
    const now = Date.now();
    const before = pending.get(key);
    const isScheduled = before !== undefined && now - before.scheduledAt < LOST_MS;
    pending.set(key, {
      value: before === undefined ? value : add(before.value, value),
      scheduledAt: isScheduled ? before.scheduledAt : now,
    });
    if (isScheduled) return;
    const sendDue = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
      const due = pending.get(key);
      pending.delete(key);
      if (due !== undefined) await send(due.value);
    };
    background(sendDue());
  };
};
