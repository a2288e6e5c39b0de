/** Free ports of the loopback address. */
import { createServer } from "node:net";

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });

/**
 * A source of free ports from `first` to `last`, each of them given once before any is given again. Every process
 * begins elsewhere in the range, so that two of them rarely look at the same port.
 */
export const portsBetween = (first: number, last: number): (() => Promise<number>) => {
  const count = last - first + 1;
  let next = (process.pid * 7) % count;
  return async () => {
    for (let tries = 0; tries < count; tries++) {
      const port = first + next;
      next = (next + 1) % count;
      if (await isFree(port)) return port;
    }
    throw new Error(`no port between ${first} and ${last} is free`);
  };
};
