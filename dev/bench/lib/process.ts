/** What the kernel says about a process. Only Linux reports it this way; elsewhere the figures are left out. */
import { readFileSync } from "node:fs";
import { sleep } from "./statistics.ts";

/** The kernel counts processor time in ticks of 10 ms. */
const TICK_MS = 10;

export class ProcessMeter {
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  /** The resident set now, MB. */
  residentMb(): number {
    return this.#statusMb("VmRSS");
  }

  /** The largest resident set so far, MB. */
  peakMb(): number {
    return this.#statusMb("VmHWM");
  }

  /** The resident set once it no longer changes, or after ten seconds, MB. */
  async settledMb(): Promise<number> {
    const seen: number[] = [];
    for (let tries = 0; tries < 40; tries++) {
      seen.push(this.residentMb());
      const last = seen.slice(-8);
      if (last.length === 8 && Math.max(...last) - Math.min(...last) < 1) break;
      await sleep(250);
    }
    return seen.at(-1) ?? Number.NaN;
  }

  /** Processor time used so far, ms. */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  #statusMb(name: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  }
}
