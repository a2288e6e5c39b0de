/** Which custom profile attributes the stored records have. */
import type { Connection } from "../config/types.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import type { SyncMeta } from "./store.ts";

/**
 * If the setting PROFILE_ATTRIBUTES has changed, lets the next delta run read everybody's record again: a call for 200
 * users. What was there before the setting stays as it is until then. The caller opens the transaction.
 * @param now ms since the epoch
 */
export const noteAttributes = (
  meta: Meta<SyncMeta>,
  inventory: Inventory,
  { profileAttributes }: Connection,
  now: number,
): void => {
  const before = meta.get("attributes") ?? [];
  if (before.join() === profileAttributes.join()) return;
  meta.set("attributes", profileAttributes);
  if (inventory.assets.newestNumber() > 0) inventory.stale.add("everybody", "all", "search", now);
};
