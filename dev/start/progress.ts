/** The progress of a stream as a line of text. Pure. */
import type { StreamStatus } from "../../src/contract/status.ts";
import { count, counted, duration } from "./numbers.ts";
import { isSettled } from "./outcome.ts";

const BAR_CELLS = 24;

const bar = (part: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, part)) * BAR_CELLS);
  return `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)}`;
};

const facts = (status: StreamStatus): string[] => {
  const { run, assets, state, detail, stream } = status;
  const known = `${count(assets.total)} ${stream}`;
  if (run === null) return [known, ...(state === "idle" ? [] : [state.replace("_", " ")])];
  const { made, predicted } = run.calls;
  return [
    run.phase.replaceAll("_", " "),
    predicted === null ? counted(made, "call") : `${count(made)} of about ${counted(predicted, "call")}`,
    known,
    ...(run.eta_seconds === null ? [] : [`about ${duration(run.eta_seconds)} left`]),
    ...(detail === null ? [] : [detail]),
  ];
};

/** One line for a stream: a bar, the phase, the calls made and predicted, the assets so far, the time left. */
export const progressLine = (status: StreamStatus, columns: number): string => {
  const part = isSettled(status) ? 1 : (status.run?.progress ?? 0);
  const percent = `${Math.floor(part * 100)} %`.padStart(5);
  const line = `${status.stream.padEnd(7)} ${bar(part)} ${percent}  ${facts(status).join(" · ")}`;
  return line.length <= columns ? line : `${line.slice(0, Math.max(1, columns - 1))}…`;
};

/** The same without a bar, for a log. */
export const plainLine = (status: StreamStatus): string => `${status.stream}: ${facts(status).join(" · ")}`;
