import type { Fault } from "../../support/org.ts";

/** What calls of a walk fail with. */
export const FAULTS = [
  "429",
  "concurrency-429",
  "500",
  "503",
  "throw",
  "truncated",
  "reset",
  "html",
] as const satisfies Fault["kind"][];
