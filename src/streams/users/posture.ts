/** The checks of posture about users. Pure. */
import type { UserCheck } from "../../contract/posture.ts";
import type { Facet } from "../../inventory/facets.ts";
import { hasMark } from "../../inventory/marks.ts";
import {
  areAdmins,
  areRolesOpen,
  areRolesUnknown,
  areSurelyMembers,
  isInEveryone,
} from "../../inventory/standing.ts";
import { both, type Check, not, type PostureOrg } from "../posture.ts";
import { areEnrolled, areResistant, isNotDeprovisioned, mfaNames } from "./kinds.ts";

const isActive = ({ status }: Facet): boolean => status === "ACTIVE";

const people = (verdict: Check["verdict"]): Check => ({ about: isNotDeprovisioned, verdict });
const activePeople = (verdict: Check["verdict"]): Check => ({ about: isActive, verdict });

const isAdmin = (facet: Facet, { standing }: PostureOrg): boolean | null => areAdmins(facet, standing);
const hasMfa = ({ mfa }: Facet, { ignored }: PostureOrg): boolean | null => areEnrolled(mfa, ignored);

/** What can be stolen or talked out of somebody from afar. */
const WEAK: ReadonlySet<string> = new Set(["sms", "call", "email", "question"]);

/** Whether somebody who may be an administrator got a role in the last 7 days. */
const hasNewRole: Check["verdict"] = ({ facet, marks }, org) => {
  const { standing, isEveryoneNew } = org;
  const isSure =
    hasMark(marks, "role7d") ||
    (hasMark(marks, "groupRole7d") && areSurelyMembers(facet, standing)) ||
    (hasMark(marks, "toldRole7d") && areRolesOpen(facet, standing)) ||
    (isEveryoneNew && isInEveryone(facet, standing));
  if (isSure) return true;
  return areRolesUnknown(facet, standing) ? null : false;
};

export const userChecks: Readonly<Record<UserCheck, Check>> = {
  admin_without_mfa: people(({ facet }, org) => both(isAdmin(facet, org), not(hasMfa(facet, org)))),
  admin_without_phishing_resistant_mfa: people(({ facet }, org) =>
    both(isAdmin(facet, org), not(areResistant(facet.mfa, org.ignored))),
  ),
  active_without_mfa: activePeople(({ facet }, org) => not(hasMfa(facet, org))),
  weak_mfa_only: people(({ facet }, { ignored }) => {
    const names = mfaNames(facet.mfa, ignored);
    return names === null ? null : names.length > 0 && names.every((name) => WEAK.has(name));
  }),
  new_factor_24h: people(({ facet, marks }) => {
    if (facet.mfa === null) return null;
    if (hasMark(marks, "factor24h")) return true;
    return hasMark(marks, "undatedFactor") ? null : false;
  }),
  new_admin_7d: people((alike, org) => both(isAdmin(alike.facet, org), hasNewRole(alike, org))),
  dormant_90d: activePeople(({ marks }) => hasMark(marks, "idle90")),
  dormant_admin_30d: activePeople(({ facet, marks }, org) =>
    both(hasMark(marks, "idle30"), isAdmin(facet, org)),
  ),
  never_signed_in_30d: activePeople(({ marks }) => {
    if (hasMark(marks, "unused30")) return true;
    return hasMark(marks, "undatedCreation") ? null : false;
  }),
  password_older_365d: activePeople(({ marks }) => hasMark(marks, "password365")),
  locked_out: people(({ facet }) => facet.status === "LOCKED_OUT"),
  suspended_admin: people(({ facet }, org) => both(facet.status === "SUSPENDED", isAdmin(facet, org))),
};
