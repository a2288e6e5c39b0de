/**
 * What is known of an asset. A fact is known, known to be empty, or unknown with a reason; an error never
 * becomes a value. Everything here is plain data: the store writes it, `ocsf/` and `enrichment/` read it.
 */
import type { StreamName } from "../contract/streams.ts";
import type { OktaDevice, OktaFactor, OktaRole, OktaUser } from "../okta/records.ts";

/**
 * Why a fact is not known: `pending` it was not read yet, `forbidden` Okta answered 401 or 403 to this
 * credential, `failed` the call failed for another reason and was given up for this run.
 */
export type UnknownReason = "pending" | "forbidden" | "failed";

/** `at` is when Okta said so, in ms since the epoch. An unknown fact keeps the last value that was known. */
export type Fact<T, Reason = UnknownReason> =
  | { readonly state: "known"; readonly value: T; readonly at: number }
  | {
      readonly state: "unknown";
      readonly reason: Reason;
      readonly last?: { readonly value: T; readonly at: number };
    };

export const known = <T, Reason = UnknownReason>(value: T, at: number): Fact<T, Reason> => ({
  state: "known",
  value,
  at,
});

export const unknown = <T>(reason: UnknownReason, last?: { value: T; at: number }): Fact<T> =>
  last === undefined ? { state: "unknown", reason } : { state: "unknown", reason, last };

/** The value to show: the known one, else the last known one, else null ("we do not know"). */
export const shown = <T>(fact: Fact<T>): T | null =>
  fact.state === "known" ? fact.value : (fact.last?.value ?? null);

/** A group as a member sees it. `roles` are the roles that the group gives its members. */
export interface GroupFacts {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** OKTA_GROUP, APP_GROUP or BUILT_IN, as Okta spells it. */
  readonly type: string | null;
  readonly roles: Fact<readonly OktaRole[]>;
}

export interface UserFacts {
  readonly user: OktaUser;
  /** Sorted by id, so that equal facts make equal events. */
  readonly groups: Fact<readonly GroupFacts[]>;
  readonly factors: Fact<readonly OktaFactor[]>;
  /** Direct and group-inherited role assignments, of any status. */
  readonly roles: Fact<readonly OktaRole[]>;
}

export interface DeviceFacts {
  /** With its linked users inside (`expand=userSummary`). */
  readonly device: OktaDevice;
}

/** Where an event stands: everything an event says that is not a fact of the asset itself. */
export interface EventContext {
  readonly connection: string;
  /** The org's origin without scheme, for example `example.okta.com`. */
  readonly tenant: string;
  readonly stream: StreamName;
  readonly assetId: string;
  readonly sequence: number;
  /** When this content was first stored, ms since the epoch; the same for every reading of one sequence. */
  readonly changedAt: number;
  /** When the deletion was confirmed, ms since the epoch; null while the asset exists. */
  readonly deletedAt: number | null;
  /** Factor types that do not count as MFA (setting MFA_IGNORED_FACTORS), lower-case. */
  readonly mfaIgnoredFactors: readonly string[];
}

/** The id under which repeats of an event are the same event. */
export const eventId = (context: EventContext): string =>
  `${context.connection}/${context.stream}/${context.assetId}/${context.sequence}`;
