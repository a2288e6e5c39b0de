/** Ports for what the benchmarks start, all in one range, so that they meet nothing else on the machine. */
import { createServer } from "node:net";

const FIRST = 9500;
const LAST = 9599;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });

let next = FIRST + (process.pid % (LAST - FIRST));

export const freePort = async (): Promise<number> => {
  for (let tries = FIRST; tries <= LAST; tries++) {
    const port = next;
    next = next === LAST ? FIRST : next + 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port between ${FIRST} and ${LAST} is free`);
};
