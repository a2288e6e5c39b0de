/** The methods of an InventoryStream that involve facts; see `contract/stream-api.ts` for the others. */
import type { HistoryPage } from "../contract/changes.ts";
import type { Found } from "../contract/found.ts";
import type { OrgVerdict } from "../contract/org.ts";
import type { CheckOfAsset } from "../contract/posture.ts";
import type { HistoryQuery } from "../contract/stream-api.ts";
import type { Dialect, StreamName } from "../contract/streams.ts";
import type { SpentQuota } from "../lib/quota.ts";
import type { StoredAsset } from "./asset-reader.ts";
import type { StoredChange } from "./changes.ts";
import type { GroupFacts, UserFacts } from "./facts.ts";

/** The devices that are linked to a user, by the copy of the devices stream. */
export interface LinkedDevices {
  /** When the run ended that the copy shows, ms since the epoch. */
  readonly at: number;
  readonly devices: readonly {
    readonly id: string;
    readonly name: string | null;
    readonly platform: string | null;
    /** Null: it is unknown. */
    readonly managed: boolean | null;
  }[];
}

/**
 * What the inventory knows about an account. `readAt` is when the last run succeeded, or before the first one when
 * the account was stored, ms since the epoch.
 */
export type AccountFacts = Found<{
  readonly facts: UserFacts;
  readonly readAt: number;
  /** Null while there is no copy of the devices stream. Objects before version 0.2.0 do not tell it. */
  readonly devices?: LinkedDevices | null;
}>;

/**
 * What an account was like at a moment follows from what it is like now, and from what has changed since then. Times are ms
 * since the epoch by Okta's clock.
 */
export type PastFacts = Found<{
  /** Of a deleted account, those of its last event. */
  readonly facts: UserFacts;
  /** Null while the account exists. */
  readonly deletedAt: number | null;
  /** What has changed since about the account and the groups that it was in, newest first. */
  readonly changes: readonly StoredChange[];
  /** Whether more has changed than is told here. */
  readonly isCut: boolean;
  /** The groups that the account was in, as they are now. */
  readonly groups: readonly GroupFacts[];
  /** The ids of the groups in which it was when they were deleted. */
  readonly formerGroups: readonly string[];
  readonly everyone: { readonly group: GroupFacts; readonly holdsDeprovisioned: boolean } | null;
  /** Since when changes are kept; null if none are. */
  readonly keptSince: number | null;
}>;

/** One asset with everything that is known about it. The stream's definition determines the type of its facts. */
export interface AssetDetail extends StoredAsset<unknown> {
  readonly stream: StreamName;
  /** The newest event in every dialect, as JSON on one line. */
  readonly events: Readonly<Record<Dialect, string>>;
}

/** An account that exists, with its newest changes and the checks of posture that concern it. */
export type ExplainedAccount = Found<
  Extract<AccountFacts, { readonly found: "one" }> & {
    readonly history: HistoryPage;
    readonly checks: readonly CheckOfAsset[];
  }
>;

/** An administrator, or somebody who may be one: what lists do not tell. */
export interface AccountRoles {
  readonly id: string;
  readonly roles: UserFacts["roles"];
}

export interface InventoryApi {
  /**
   * Finds an account that exists by its id, login, e-mail or short name (the login before the `@`). Only for the
   * users stream.
   */
  account(identifier: string): Promise<AccountFacts>;
  /** What an account was like at a moment, ms since the epoch. By the names that it has now, and by its id also if it was deleted. */
  pastAccount(identifier: string, at: number): Promise<PastFacts>;
  /**
   * The same account as `account`, with a page of its changes and what posture says of it, in one request. Only for the users
   * stream.
   */
  explained(identifier: string, history: HistoryQuery): Promise<ExplainedAccount>;
  /** The roles of these users, a few hundred at most. Ids that nobody has are left out. Only for the users stream. */
  rolesOf(ids: readonly string[]): Promise<readonly AccountRoles[]>;
  /** Everything that is known about one asset, deleted or not; null if the asset is not known. */
  assetDetail(assetId: string): Promise<AssetDetail | null>;
}

/** The one user who has a name, as the inventory knows it. */
export interface NamedUser {
  readonly id: string;
  /** Those of the user's login and e-mail, as Okta spells them, that lead to this user and nobody else. */
  readonly names: readonly string[];
}

export interface NamesAnswer {
  /** Whether look-ups may be made in the org; null if that was not asked. */
  readonly verdict: OrgVerdict | null;
  /** Null if nobody has the name, or several have it. */
  readonly user: NamedUser | null;
  /**
   * The user's devices; null while there is no copy of the devices stream. Absent if there is one, but no user.
   */
  readonly devices?: LinkedDevices | null;
}

/** What look-ups say to the users stream, in one request each. Objects before version 0.2.0 do not know it. */
export interface NamesApi {
  /**
   * Who has a name: an id, login, e-mail or short name.
   * @param asksOrg whether to say of the org as well what `StreamApi.orgVerdict` says
   */
  whoIs(name: string, asksOrg: boolean): Promise<NamesAnswer>;
  /** The devices of a user, known or not; null while there is no copy of the devices stream. */
  devicesOf(userId: string): Promise<LinkedDevices | null>;
  /** Somebody else than the stream has learned that a daily quota of Cloudflare's is used up. */
  quotaSpent(quota: SpentQuota): Promise<void>;
}
