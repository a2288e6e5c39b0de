import type { CopiedAssets } from "../../contract/copies.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import { displayName, filled } from "../../ocsf/derive.ts";

/** How many users a page tells of. Most of them are no administrators, of whom it has the id alone. */
const PAGE = 1_000;

/** What the devices stream keeps of users: who is an administrator or may be one. */
export const copiedUsers = (inventory: Inventory, after: number): CopiedAssets => {
  const users = inventory.administrators.after(after, PAGE);
  return {
    administrators: users.flatMap(({ id, isAdmin, profile }) =>
      isAdmin === false
        ? []
        : {
            id,
            isAdmin,
            login: filled(profile?.login),
            name: profile === undefined ? null : displayName(profile),
          },
    ),
    gone: users.filter(({ isAdmin }) => isAdmin === false).map(({ id }) => id),
    last: users.at(-1)?.sequence ?? null,
    more: users.length === PAGE,
  };
};
