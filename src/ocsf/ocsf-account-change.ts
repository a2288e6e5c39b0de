import {
  ACCOUNT_ACTIVITIES,
  ACCOUNT_CHANGE,
  type Activity,
  otherActivity,
  RESTORE,
} from "./change-classes.ts";
import { FACTOR_FIELDS } from "./change-security.ts";
import { changedUser, targetUser, userObservables } from "./changed-user.ts";
import { frameOf, observeAuthor, observeResult, type ReadChange, unmappedOf } from "./ocsf-change-common.ts";
import type { OcsfAccountChangeEvent } from "./ocsf-change-schemas.ts";
import { present } from "./ocsf-common.ts";

const DISABLED: ReadonlySet<string> = new Set(["SUSPENDED", "DEPROVISIONED"]);
/** A person in one of these can be active again without having been disabled: the password was all that was missing. */
const WITHOUT_PASSWORD: ReadonlySet<string> = new Set(["PASSWORD_EXPIRED", "RECOVERY"]);

/** What a new status means; null if OCSF has no word for it. */
const statusActivity = (before: string | null, after: string | null): Activity | null => {
  if (after === null || after === before) return null;
  if (DISABLED.has(after)) return ACCOUNT_ACTIVITIES.disable;
  if (after === "LOCKED_OUT") return ACCOUNT_ACTIVITIES.lock;
  if (before === "LOCKED_OUT") return ACCOUNT_ACTIVITIES.unlock;
  const isEnabled = after === "ACTIVE" && before !== null && !WITHOUT_PASSWORD.has(before);
  return isEnabled ? ACCOUNT_ACTIVITIES.enable : null;
};

/**
 * What was done to a person's account. If several things were, it is the first of: a deletion, creation or restoration; a
 * role assigned; a factor removed, then one enrolled; a role revoked; a password reset; a status for which OCSF has a word;
 * a password changed; and then what OCSF has no word for.
 */
const activityOf = ({ change, fields, meaning }: ReadChange): Activity => {
  if (change.kind === "deleted") return ACCOUNT_ACTIVITIES.delete;
  if (change.kind === "created") return ACCOUNT_ACTIVITIES.create;
  if (change.kind === "restored") return RESTORE;
  if (meaning.isRoleAdded) return otherActivity("Assign Role");
  if (meaning.isFactorRemoved) return ACCOUNT_ACTIVITIES.factorDisable;
  if (meaning.isFactorAdded) return ACCOUNT_ACTIVITIES.factorEnable;
  if (meaning.isRoleRemoved) return otherActivity("Revoke Role");
  if (meaning.isPasswordReset) return ACCOUNT_ACTIVITIES.passwordReset;
  const status = statusActivity(fields.text("status", "before"), fields.text("status", "after"));
  if (status !== null) return status;
  if (fields.has("password_changed")) return ACCOUNT_ACTIVITIES.passwordChange;
  if (fields.hasAny(FACTOR_FIELDS)) return otherActivity("Update Factor");
  if (fields.has("groups")) return otherActivity("Change Groups");
  return otherActivity(fields.has("status") ? "Change Status" : "Update");
};

/**
 * A change of a person as OCSF 1.6.0 Account Change, valid against the strict schema. Roles are no policies that are
 * attached, so assigning one is `Other`.
 */
export const ocsfAccountChange = (read: ReadChange): OcsfAccountChangeEvent => {
  const frame = frameOf(read, ACCOUNT_CHANGE, activityOf(read));
  const user = targetUser(read);
  const result = read.change.kind === "updated" ? changedUser(read) : null;
  const observables = userObservables("user", user);
  if (result !== null) observeResult(observables, userObservables("user_result", result));
  observeAuthor(observables, frame);
  return present({ ...frame, user, user_result: result, observables, unmapped: unmappedOf(read.change) });
};
