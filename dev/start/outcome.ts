/** Whether a first run has left a complete inventory. Pure. */
import type { StreamStatus } from "../../src/contract/status.ts";
import { streamNames } from "../../src/contract/streams.ts";
import { count, counted } from "./numbers.ts";

/** Whether no run is in progress. */
export const isSettled = ({ state, run }: StreamStatus): boolean =>
  run === null && state !== "running" && state !== "backing_off";

export interface Outcome {
  /** Why the inventory is not complete; empty when it is. */
  readonly reasons: readonly string[];
  /** What is worth knowing but not a fault. */
  readonly notes: readonly string[];
}

const reasonsOf = (status: StreamStatus): string[] => {
  const { stream, state, detail, assets, last_full: full } = status;
  if (state !== "idle")
    return [`${stream}: ${state.replace("_", " ")}${detail === null ? "" : `: ${detail}`}`];
  const unknown = Object.entries(assets.unknown).filter(([, n]) => n > 0);
  return [
    ...(full?.state === "done" ? [] : [`${stream}: no full run has finished yet`]),
    ...unknown.map(([fact, n]) => `${stream}: ${fact} unknown for ${count(n)} of ${count(assets.total)}`),
    ...(assets.quarantined > 0
      ? [`${stream}: ${counted(assets.quarantined, "record")} could not be read`]
      : []),
  ];
};

/** A stream that the org cannot have, such as devices in a Classic Engine org, is noted. It is not a fault. */
export const judge = (streams: readonly StreamStatus[]): Outcome => {
  const missing = streamNames.filter((name) => !streams.some(({ stream }) => stream === name));
  const isAbsent = ({ stream, state }: StreamStatus): boolean =>
    stream === "devices" && state === "unavailable";
  return {
    reasons: [
      ...missing.map((name) => `${name}: the connector does not report this stream`),
      ...streams.filter((status) => !isAbsent(status)).flatMap(reasonsOf),
    ],
    notes: streams.filter(isAbsent).map(({ detail }) => `devices: not available. ${detail ?? ""}`.trim()),
  };
};

/** Error codes that waiting does not fix. */
const lastingCodes = ["invalid_credential", "misconfigured"];

/** A sentence that says why waiting for a run is useless; null when it is not. */
export const hopeless = (streams: readonly StreamStatus[]): string | null => {
  const stuck = streams.find(({ run }) => run?.error && lastingCodes.includes(run.error.code));
  return stuck === undefined ? null : `${stuck.stream}: ${stuck.run?.error?.message}`;
};

/** A text that changes while a run makes progress. If it stays the same for long, the run is stuck. */
export const standing = (streams: readonly StreamStatus[]): string =>
  JSON.stringify(
    streams.map(({ run, assets, head }) => [run?.phase, run?.error ? null : run?.calls.made, assets, head]),
  );
