import { type EventContext, type GroupFacts, knownValue, type UserFacts } from "../inventory/facts.ts";
import { ACCESS_CONTROL, OCSF_VERSION, PRODUCT, USER_INVENTORY } from "./classes.ts";
import {
  displayName,
  emailDomain,
  fullName,
  hasMfa,
  isAdmin,
  isEnabled,
  organizationName,
  privileges,
  toSeconds,
} from "./derive.ts";
import type { SekoiaUserEvent } from "./sekoia-schemas.ts";

const group = (facts: GroupFacts) => {
  const roles = knownValue(facts.roles);
  return {
    uid: facts.id,
    name: facts.name,
    desc: facts.description,
    privileges: roles === null ? null : privileges(roles),
  };
};

/**
 * A user in the Sekoia.io dialect, with the keys of the published example in the same order. Times are whole seconds,
 * except `last_logon`, which is ISO 8601; nulls are kept.
 */
export const sekoiaUser = (facts: UserFacts, context: EventContext): SekoiaUserEvent => {
  const { user } = facts;
  const { profile } = user;
  const login = profile.login ?? null;
  const admin = isAdmin(facts) === true;
  return {
    ...USER_INVENTORY,
    time: toSeconds(user.created),
    metadata: { product: PRODUCT, version: OCSF_VERSION },
    user: {
      uid: user.id,
      name: login,
      full_name: fullName(profile.firstName, profile.lastName),
      display_name: displayName(profile),
      email_addr: profile.email ?? null,
      uid_alt: login,
      domain: emailDomain(profile.email),
      has_mfa: hasMfa(facts.factors, context.mfaIgnoredFactors),
      type_id: admin ? 2 : null,
      type: admin ? "Admin" : null,
      account: { uid: user.id, name: login, type: "Other", type_id: 99 },
      org: { name: organizationName(profile), ou_name: profile.department ?? null },
      groups: knownValue(facts.groups)?.map(group) ?? null,
    },
    enrichments: [
      {
        ...ACCESS_CONTROL,
        data: {
          is_enabled: isEnabled(user.status, context),
          last_logon: user.lastLogin,
          last_time_password_change: toSeconds(user.passwordChanged),
          ...(context.deletedAt === null ? null : { is_deleted: true as const }),
        },
      },
    ],
  };
};
