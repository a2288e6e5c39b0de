/** What the kernel says of a process. Linux alone tells it this way: elsewhere the figures are left out. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
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

  /** The greatest resident set ever, MB. */
  peakMb(): number {
    return this.#statusMb("VmHWM");
  }

  /** The resident set once it has come to rest, or after ten seconds, MB. */
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

  /** Processor time taken so far, ms. */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  #statusMb(name: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  }
}

const filesOf = (pid: number): string[] => {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
};

/**
 * The workerd among this process' children that holds the streams' storage. Beside it runs one of the tooling's own,
 * which passes requests on and is no part of what a Worker takes.
 *
 * @param known those that were there before
 */
export const newWorkerd = (known: ReadonlySet<number>): ProcessMeter | null => {
  const pid = workerds().find(
    (each) => !known.has(each) && filesOf(each).some((file) => file.includes("InventoryStream")),
  );
  return pid === undefined ? null : new ProcessMeter(pid);
};

export const workerds = (): number[] => {
  if (process.platform !== "linux") return [];
  try {
    const children = execFileSync("pgrep", ["-P", String(process.pid), "workerd"], { encoding: "utf8" });
    return children.trim().split("\n").map(Number);
  } catch {
    return []; // pgrep finds none
  }
};
