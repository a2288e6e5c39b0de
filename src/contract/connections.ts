/** The connections as the public contract shows them, and what the registry is asked. Times in documents are ISO 8601 in UTC. */
import * as z from "zod";
import type { CallHistory, CountedCalls } from "./calls.ts";

const isoTime = z.iso.datetime();

export const connectionSchema = z.object({
  id: z.string(),
  source: z.literal("settings").meta({ description: "Where it is configured." }),
  base_url: z.string().nullable().meta({
    description:
      "The org's base URL, or the last one that was known; null if the settings hold no valid one.",
  }),
  state: z.enum(["active", "removed", "deleting"]).meta({
    description:
      "`active`: it is in the settings; `removed`: it was taken out of the settings and is kept until `purge_at`; " +
      "`deleting`: everything that is stored of it is being deleted, after which it is not listed any more.",
  }),
  removed_at: isoTime.nullable().meta({
    description: "When a cron first found it gone from the settings; null until then and while it is active.",
  }),
  purge_at: isoTime.nullable().meta({
    description:
      "When everything that is stored of it is going to be deleted, or when that began; null while it is active.",
  }),
});
export type ConnectionDocument = z.infer<typeof connectionSchema>;

/** What the settings say about which connections there are. */
export interface NamedConnections {
  /** The id and the base URL of each, valid or not; null where the URL cannot be read. */
  readonly named: readonly (readonly [id: string, baseUrl: string | null])[];
  /** Whether there are no others. False while there are entries that name none, because of a mistake in them. */
  readonly complete: boolean;
}

/** A connection that the settings have had. Times are ms since the epoch. */
export interface KnownConnection {
  readonly id: string;
  /** The last one that was known. */
  readonly baseUrl: string | null;
  readonly firstSeenAt: number;
  /** When it was first found gone from the settings; null while it is in them. */
  readonly removedAt: number | null;
  /** Since when everything that is stored of it is being deleted; null before. */
  readonly purgingSince: number | null;
}

/** Where the Durable Objects are. Words, because a later version may know more of them. */
export interface ChosenResidency {
  /** Null: none. */
  readonly jurisdiction: string | null;
  /** Null: none. */
  readonly locationHint: string | null;
}

/**
 * The methods of the Registry outside of any jurisdiction, which remembers where all other objects are. It is asked before
 * any of them is. Methods are only ever added.
 */
export interface ResidencyMemory {
  /**
   * What was chosen, after the rules of `registry/residency.ts`: once there is a connection, the first setting is the choice.
   * @param setting where the settings want the objects
   * @param hasConnections whether the settings name any connection, or may name one that cannot be read
   * @returns null while nothing is chosen
   */
  residency(setting: ChosenResidency, hasConnections: boolean): Promise<ChosenResidency | null>;
  /** Nothing is stored of any connection any more: the next choice is free. */
  forgetResidency(): Promise<void>;
}

/** The methods of the Registry. Arguments and results are plain data. Methods are only ever added. */
export interface RegistryApi {
  /**
   * Called by each cron: takes note of connections that are new, gone from the settings or back in them, and begins or
   * continues the purges that are due.
   * @returns the ids of the connections that are being purged, which must not be woken before that has ended
   */
  reconcile(seen: NamedConnections): Promise<readonly string[]>;
  /** Counts calls of tools by agents. */
  noteCalls(counts: readonly CountedCalls[]): Promise<void>;
  /** @param withDays whether the days are wanted as well */
  calls(withDays: boolean): Promise<CallHistory>;
  /** All connections that the settings have had and that are not purged yet, by id. */
  known(): Promise<readonly KnownConnection[]>;
  /**
   * Begins to purge a connection at once, or tries again. The caller has made sure that the settings do not have it.
   * @returns null if it is not known
   */
  purge(id: string): Promise<KnownConnection | null>;
}
