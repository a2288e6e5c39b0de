/**
 * What is known about an asset. A fact is known, known to be empty, or unknown with a reason; an error never
 * becomes a value. Everything here is plain data: the inventory stores it, and `ocsf/` and `enrichment/` read it.
 */
import type { StreamName } from "../contract/streams.ts";
import type { OktaDevice, OktaFactor, OktaRole, OktaUser } from "../okta/records.ts";

/**
 * Why a fact is unknown:
 * - `pending` it has not been read yet
 * - `forbidden` Okta refused the call to this credential; see `isForbidden`
 * - `failed` the call failed for another reason, and this run gave it up
 */
export type UnknownReason = "pending" | "forbidden" | "failed";

/**
 * `at` is when Okta reported the value, ms since the epoch. An unknown fact keeps the last known value, if any, and
 * `certain`: what of the fact is known for sure, if that is a part of it.
 */
export type Fact<T, Reason = UnknownReason> =
  | { readonly state: "known"; readonly value: T; readonly at: number }
  | {
      readonly state: "unknown";
      readonly reason: Reason;
      readonly last?: { readonly value: T; readonly at: number };
      readonly certain?: T;
    };

/** A known fact. @param at when Okta reported it, ms since the epoch */
export const known = <T, Reason = UnknownReason>(value: T, at: number): Fact<T, Reason> => ({
  state: "known",
  value,
  at,
});

/** An unknown fact. @param last the last known value, if there is one */
export const unknown = <T>(reason: UnknownReason, last?: { value: T; at: number }): Fact<T> =>
  last === undefined ? { state: "unknown", reason } : { state: "unknown", reason, last };

/** The known value; null for an unknown fact, also if it was known once. */
export const knownValue = <T>(fact: Fact<T>): T | null => (fact.state === "known" ? fact.value : null);

/** The known value, else the last known one, which must be told apart from it; else null. */
export const shown = <T>(fact: Fact<T>): T | null =>
  fact.state === "known" ? fact.value : (fact.last?.value ?? null);

/** A group as its members' events show it. */
export interface GroupFacts {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** OKTA_GROUP, APP_GROUP or BUILT_IN, as Okta spells it. */
  readonly type: string | null;
  /** The roles that the group gives its members. */
  readonly roles: Fact<readonly OktaRole[]>;
}

/** What is known about a user. */
export interface UserFacts {
  readonly user: OktaUser;
  /** Sorted by id, so that equal facts make equal events. */
  readonly groups: Fact<readonly GroupFacts[]>;
  readonly factors: Fact<readonly OktaFactor[]>;
  /** Role assignments of any status, direct or through a group. */
  readonly roles: Fact<readonly OktaRole[]>;
}

/** What is known about a device. */
export interface DeviceFacts {
  /** The device, including its linked users (`expand=userSummary`). */
  readonly device: OktaDevice;
}

/** Everything that an event says beyond the facts of its asset. */
export interface EventContext {
  readonly connection: string;
  /** The org's origin without scheme, for example `example.okta.com`. */
  readonly tenant: string;
  readonly stream: StreamName;
  readonly assetId: string;
  readonly sequence: number;
  /** The number before the inventory's first one. The `ocsf` dialect counts from it, because its numbers have 32 bits. */
  readonly sequenceBase: number;
  /** When this content was stored, ms since the epoch; always the same for one sequence number. */
  readonly changedAt: number;
  /** When the deletion was confirmed, ms since the epoch; null while the asset exists. */
  readonly deletedAt: number | null;
  /** Factor types that do not count as MFA (setting MFA_IGNORED_FACTORS), lower-case. */
  readonly mfaIgnoredFactors: readonly string[];
  /** Names of the custom profile attributes to show (setting PROFILE_ATTRIBUTES), sorted. */
  readonly profileAttributes: readonly string[];
}

/** The event's id: equal for repeats of one event, and different for every other event. */
export const eventId = (
  context: Pick<EventContext, "connection" | "stream" | "assetId" | "sequence">,
): string => `${context.connection}/${context.stream}/${context.assetId}/${context.sequence}`;
