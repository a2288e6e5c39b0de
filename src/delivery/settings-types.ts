/** What SINKS is once it has been read: each sink with its secrets resolved, or refused with its problems. */

import type { Dialect, StreamName } from "../contract/streams.ts";

interface CommonSettings {
  /** Unique among the sinks, `[a-zA-Z0-9_-]{1,64}`. A renamed sink is a new one. */
  readonly name: string;
  /** The streams that it takes, never empty. */
  readonly streams: readonly StreamName[];
  readonly dialect: Dialect;
}

export interface SekoiaSettings extends CommonSettings {
  readonly type: "sekoia";
  /** Origin and path without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Lower-case. A stream without one is not taken. */
  readonly connectorUuids: Readonly<Record<StreamName, string | null>>;
  readonly batchSize: number;
}

export interface HttpSettings extends CommonSettings {
  readonly type: "http";
  readonly url: string;
  readonly format: "json" | "ndjson";
  readonly gzip: boolean;
  readonly token: string | null;
  readonly hmacKey: string | null;
}

export interface R2Settings extends CommonSettings {
  readonly type: "r2";
  readonly binding: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

export interface SplunkHecSettings extends CommonSettings {
  readonly type: "splunk_hec";
  /** What stands before `/services/collector`, without a trailing slash. */
  readonly baseUrl: string;
  readonly token: string;
  /** Null leaves the choice to the HEC token. */
  readonly index: string | null;
  readonly sourcetype: string | null;
  /** Wait for the indexers' acknowledgement. */
  readonly ack: boolean;
}

export interface ElasticsearchSettings extends CommonSettings {
  readonly type: "elasticsearch";
  /** What stands before `/_bulk`, without a trailing slash. */
  readonly baseUrl: string;
  /** In the encoded form that the header wants. */
  readonly apiKey: string;
  readonly index: string;
}

export interface QueueSettings extends CommonSettings {
  readonly type: "queue";
  readonly binding: string;
}

export type SinkSettings =
  | SekoiaSettings
  | HttpSettings
  | R2Settings
  | SplunkHecSettings
  | ElasticsearchSettings
  | QueueSettings;

export type SinkType = SinkSettings["type"];

export interface SinkProblem {
  /** `SINKS[1].url`. */
  readonly path: string;
  /** What is wrong and what a right value looks like. Never holds a secret's value. */
  readonly message: string;
}

export interface RefusedSink {
  /** The sink's name; `SINKS[1]` when it has none that can be used, `SINKS` when the setting is unreadable. */
  readonly name: string;
  /** Its type where that much is known. */
  readonly type: SinkType | null;
  readonly problems: readonly SinkProblem[];
}

export interface ParsedSinks {
  readonly accepted: readonly SinkSettings[];
  readonly refused: readonly RefusedSink[];
}

export interface SinkContext {
  /** A secret's value by its name; undefined or empty when it is not set. */
  secret(name: string): string | undefined;
  /** Whether the Worker has a binding of this name. */
  binding(name: string): boolean;
  readonly allowLoopback: boolean;
}
