/** The methods of an InventoryStream that involve facts; see `contract/stream-api.ts` for the others. */
import type { Found } from "../contract/found.ts";
import type { Dialect, StreamName } from "../contract/streams.ts";
import type { StoredAsset } from "./asset-reader.ts";
import type { UserFacts } from "./facts.ts";

/**
 * What the inventory knows about an account. `readAt` is when the last run succeeded, or before the first one when
 * the account was stored, ms since the epoch.
 */
export type AccountFacts = Found<{ readonly facts: UserFacts; readonly readAt: number }>;

/** One asset with everything that is known about it. The stream's definition determines the type of its facts. */
export interface AssetDetail extends StoredAsset<unknown> {
  readonly stream: StreamName;
  /** The newest event in every dialect, as JSON on one line. */
  readonly events: Readonly<Record<Dialect, string>>;
}

export interface InventoryApi {
  /**
   * Finds an account that exists by its id, login, e-mail or short name (the login before the `@`). Only for the
   * users stream.
   */
  account(identifier: string): Promise<AccountFacts>;
  /** Everything that is known about one asset, deleted or not; null if the asset is not known. */
  assetDetail(assetId: string): Promise<AssetDetail | null>;
}
