/** What the rest of the Worker may ask of an InventoryStream about facts; see `contract/stream-api.ts`. */
import type { Found } from "../contract/found.ts";
import type { Dialect } from "../contract/streams.ts";
import type { DeviceFacts, UserFacts } from "./facts.ts";

/** How an inventory look-up found the account. `readAt`: when the inventory was last brought up to date, ms. */
export type AccountFacts = Found<{ readonly facts: UserFacts; readonly readAt: number }>;

interface DetailFrame {
  readonly id: string;
  readonly sequence: number;
  /** ms since the epoch, as the next one. */
  readonly changedAt: number;
  readonly deletedAt: number | null;
  /** The newest event in every dialect, as JSON on one line. */
  readonly events: Readonly<Record<Dialect, string>>;
}

/** One asset with everything that is known of it. */
export type AssetDetail =
  | (DetailFrame & { readonly stream: "users"; readonly facts: UserFacts })
  | (DetailFrame & { readonly stream: "devices"; readonly facts: DeviceFacts });

export interface InventoryApi {
  /** What the inventory knows of an account given by id, login, e-mail or short name (users stream only). */
  account(identifier: string): Promise<AccountFacts>;
  /** Everything that is known of one asset, deleted ones included. */
  assetDetail(assetId: string): Promise<AssetDetail | null>;
}
