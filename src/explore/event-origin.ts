import type { EventContext } from "../inventory/facts.ts";

/** The part of the context that all events of a stream share. */
export type EventOrigin = Pick<
  EventContext,
  "connection" | "stream" | "tenant" | "mfaIgnoredFactors" | "profileAttributes"
>;
