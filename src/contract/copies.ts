/**
 * What the streams of a connection tell each other, so that each keeps a dated copy of the other: a small part of what
 * the other one knows, as it was when a run of the other one ended. Arguments and results are plain data, and methods and
 * fields are only ever added.
 */
import type { StreamName } from "./streams.ts";

/** Of a device that exists, what the users stream keeps. */
export interface CopiedDevice {
  readonly id: string;
  readonly name: string | null;
  /** By the name that people use, such as `macOS`, else as Okta spells it. */
  readonly platform: string | null;
  readonly managed: boolean | null;
  /** As Okta spells it. */
  readonly status: string;
  /** The ids of the users who are linked to it, in the order of the links. */
  readonly users: readonly string[];
}

/** Of a user who is an administrator or may be one, what the devices stream keeps. */
export interface CopiedAdministrator {
  readonly id: string;
  /** Null: it is unknown. */
  readonly isAdmin: true | null;
  readonly login: string | null;
  readonly name: string | null;
}

/** What a copy is made of. */
export interface CopySource {
  /** The identity of the inventory. */
  readonly inventory: string;
  /** Okta's id of the org; null while it is not known. */
  readonly org: string | null;
  /** The greatest sequence number of the stream. */
  readonly head: number;
  /** When the last successful run ended, ms since the epoch. */
  readonly endedAt: number;
}

/** What a copy takes over of some assets. */
export interface CopiedAssets {
  readonly devices?: readonly CopiedDevice[];
  readonly administrators?: readonly CopiedAdministrator[];
  /** The ids of assets that have no place in the copy, or no longer. */
  readonly gone: readonly string[];
  /** The sequence number of the last asset; null if there was none. */
  readonly last: number | null;
  /** Whether there may be more of them. */
  readonly more: boolean;
}

/** One page of what changed after a sequence number. */
export interface CopyPage extends CopySource, Omit<CopiedAssets, "last"> {
  readonly of: StreamName;
  /** From which sequence number to go on. */
  readonly last: number;
  /** Assets are getting new numbers, so nothing can be read at present. */
  readonly settling?: true;
}

/** How the streams of a connection speak of their copies. Objects before version 0.2.0 do not know it. */
export interface CopiesApi {
  /** The other stream's run has succeeded. Takes note of it; the pages are asked for later. */
  otherRan(source: CopySource): Promise<void>;
  /** Null before the first successful run. */
  copyPage(after: number): Promise<CopyPage | null>;
}
