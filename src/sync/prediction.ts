import { predictDevices, predictUsers } from "../streams/plan.ts";
import type { StepContext } from "./step.ts";

/** The calls of this full run, predicted from what is known by now. */
export const predict = ({
  inventory,
  run,
  stream,
}: Pick<StepContext, "inventory" | "run" | "stream">): number | null => {
  const known = inventory.assets.counts().total;
  if (stream === "devices") return known === 0 ? null : predictDevices(known);
  const everyone = inventory.groups.everyoneCount() ?? 0;
  const users = Math.max(known, everyone);
  if (users === 0) return null;
  const active = inventory.assets.countNotDeprovisioned() || everyone;
  return predictUsers({
    users,
    active,
    groups: inventory.groups.countAll(),
    membershipCalls: run.membershipCalls,
    admins: inventory.admins.count(),
    groupsWithRoles: inventory.groups.countWithRoles(),
    factors:
      known === 0 ? active : inventory.assets.countFactorsDue(run.factorsDueBefore) + factorsReadIn(run),
  });
};

const factorsReadIn = (run: StepContext["run"]): number =>
  run.calls.byEndpoint["GET /api/v1/users/{id}/factors"] ?? 0;
