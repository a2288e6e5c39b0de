/** The checks of posture about devices. Pure. */
import type { DeviceCheck } from "../../contract/posture.ts";
import type { Facet } from "../../inventory/facets.ts";
import { hasMark } from "../../inventory/marks.ts";
import { both, type Check, not, type PostureOrg } from "../posture.ts";

const activeDevices = (verdict: Check["verdict"]): Check => ({
  about: ({ status }: Facet) => status === "ACTIVE",
  verdict,
});

/** Whether one of these devices' users is an administrator. */
const isOfAdmin = (marks: number, { areOwnersKnown }: PostureOrg): boolean | null => {
  if (!areOwnersKnown) return null;
  if (hasMark(marks, "ofAdmin")) return true;
  return hasMark(marks, "maybeOfAdmin") ? null : false;
};

export const deviceChecks: Readonly<Record<DeviceCheck, Check>> = {
  device_unmanaged: activeDevices(({ facet }) => not(facet.managed)),
  device_of_admin_unmanaged: activeDevices(({ facet, marks }, org) =>
    both(isOfAdmin(marks, org), not(facet.managed)),
  ),
  device_not_seen_90d: activeDevices(({ marks }) => {
    if (hasMark(marks, "unseen90")) return true;
    return hasMark(marks, "undatedSight") ? null : false;
  }),
};
