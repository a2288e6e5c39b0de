/** What the rest of the Worker may ask of an InventoryStream about facts; see `contract/stream-api.ts`. */
import type { Found } from "../contract/found.ts";
import type { Dialect, StreamName } from "../contract/streams.ts";
import type { StoredAsset } from "./asset-reader.ts";
import type { UserFacts } from "./facts.ts";

/** How an inventory look-up found the account. `readAt`: when the inventory was last brought up to date, ms. */
export type AccountFacts = Found<{ readonly facts: UserFacts; readonly readAt: number }>;

/** One asset with everything that is known of it. What its facts are, the stream's definition knows. */
export interface AssetDetail extends StoredAsset<unknown> {
  readonly stream: StreamName;
  /** The newest event in every dialect, as JSON on one line. */
  readonly events: Readonly<Record<Dialect, string>>;
}

export interface InventoryApi {
  /** What the inventory knows of an account given by id, login, e-mail or short name (users stream only). */
  account(identifier: string): Promise<AccountFacts>;
  /** Everything that is known of one asset, deleted ones included. */
  assetDetail(assetId: string): Promise<AssetDetail | null>;
}
