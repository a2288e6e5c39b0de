/** What SINKS is once it has been read: each sink configured, or refused with its problems. */

import type { Dialect, StreamName } from "../contract/streams.ts";
import type { Sink, SinkTools, SnapshotWriter } from "./sink.ts";

/** The resolved settings that all types have. A type adds its own, see `sinks/`. */
export interface SinkSettings {
  /** Unique among the sinks, `[a-zA-Z0-9_-]{1,64}`. A renamed sink is a new one. */
  readonly name: string;
  /** The streams that it takes, never empty. */
  readonly streams: readonly StreamName[];
  /** The ids of the connections that it is for; absent: all that the settings name. */
  readonly connections?: readonly string[];
  readonly dialect: Dialect;
  /** Each change is delivered as an event of its own as well. */
  readonly changes?: true;
  readonly type: string;
}

/** Whether both streams of a sink go to the same endpoint, or each to one of its own. */
export type Endpoints = "one" | "one per stream";

/** A sink whose settings are right. */
export interface ConfiguredSink extends SinkSettings {
  /** All its settings as plain data, secrets included: to tell whether they changed, never to be shown. */
  readonly settings: SinkSettings;
  readonly endpoints: Endpoints;
  /** Makes the sink, without using the network yet. */
  readonly open: (tools: SinkTools) => Sink;
  /** Makes what keeps whole inventories; null for a type that keeps none. */
  readonly snapshots: ((tools: SinkTools) => SnapshotWriter) | null;
}

/** What is wrong with one key of a sink. */
export interface SinkProblem {
  /** `SINKS[1].url`. */
  readonly path: string;
  /**
   * What is wrong and what a valid value looks like: a clause in lower case without a full stop. Never holds a
   * secret's value.
   */
  readonly message: string;
}

/** A sink that does not run. */
export interface RefusedSink {
  /**
   * What `name` is: the sink's own name; the entry's place in the list (`SINKS[1]`) when it has no usable name; or the
   * setting itself (`SINKS`) when it is unreadable. Only in the first case is it known which sink does not run.
   */
  readonly known: "name" | "place" | "setting";
  readonly name: string;
  /** Its type where that much is known. */
  readonly type: string | null;
  readonly problems: readonly SinkProblem[];
}

export interface ParsedSinks {
  readonly accepted: readonly ConfiguredSink[];
  readonly refused: readonly RefusedSink[];
}
