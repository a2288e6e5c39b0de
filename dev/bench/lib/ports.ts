/** Ports for what the benchmarks start, all in one range, so that they meet nothing else on the machine. */
import { portsBetween } from "../../lib/ports.ts";

export const freePort = portsBetween(9500, 9599);
