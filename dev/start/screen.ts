/** Shows progress: on a terminal as lines that are redrawn, elsewhere as a plain line now and then. */
import type { StreamStatus } from "../../src/contract/status.ts";
import { isSettled } from "./outcome.ts";
import { plainLine, progressLine } from "./progress.ts";

/** Without a terminal, a line for a stream that stays in the same phase is written this often, ms. */
const PLAIN_EVERY_MS = 5_000;

export interface Screen {
  show(streams: readonly StreamStatus[]): void;
}

const terminalScreen = (out: NodeJS.WriteStream): Screen => {
  let drawn = 0;
  return {
    show: (streams) => {
      const up = drawn > 0 ? `\u001b[${drawn}A` : "";
      const lines = streams.map((status) => `\u001b[2K${progressLine(status, out.columns ?? 80)}\n`);
      out.write(`${up}${lines.join("")}`);
      drawn = lines.length;
    },
  };
};

const plainScreen = (out: NodeJS.WriteStream): Screen => {
  const told = new Map<string, { topic: string; at: number }>();
  return {
    show: (streams) => {
      for (const status of streams) {
        const topic = `${status.state} ${status.run?.phase ?? ""}`;
        const last = told.get(status.stream);
        const due = last !== undefined && !isSettled(status) && Date.now() - last.at >= PLAIN_EVERY_MS;
        if (last?.topic === topic && !due) continue;
        told.set(status.stream, { topic, at: Date.now() });
        out.write(`  ${plainLine(status)}\n`);
      }
    },
  };
};

export const screenFor = (out: NodeJS.WriteStream): Screen =>
  out.isTTY ? terminalScreen(out) : plainScreen(out);
