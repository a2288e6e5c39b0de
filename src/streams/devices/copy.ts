import type { CopiedAssets, CopiedDevice } from "../../contract/copies.ts";
import type { StoredAsset } from "../../inventory/asset-reader.ts";
import type { DeviceFacts } from "../../inventory/facts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { filled, isManaged } from "../../ocsf/derive.ts";
import { osFamily } from "../../ocsf/platform.ts";

/** How many devices a page tells of. */
const PAGE = 500;

const copied = ({ id, facts: { device } }: StoredAsset<DeviceFacts>): CopiedDevice => ({
  id,
  name: filled(device.profile.displayName),
  platform: osFamily(device.profile.platform) ?? filled(device.profile.platform),
  managed: isManaged(device),
  status: device.status,
  users: device.users.map((user) => user.id),
});

/** What the users stream keeps of devices: those that exist, with their users. */
export const copiedDevices = (inventory: Inventory, after: number): CopiedAssets => {
  const assets = [...inventory.devices.after(after, PAGE)];
  return {
    devices: assets.filter(({ deletedAt }) => deletedAt === null).map(copied),
    gone: assets.filter(({ deletedAt }) => deletedAt !== null).map(({ id }) => id),
    last: assets.at(-1)?.sequence ?? null,
    more: assets.length === PAGE,
  };
};
