/** Changes of users and groups, by the names that look-ups give to the fields of an account. Pure. */
import type { ChangeField } from "../../contract/changes.ts";
import type { BeforeAndAfter, ChangeDetails, ChangePart, StoredChange } from "../../inventory/changes.ts";
import type { UserFacts } from "../../inventory/facts.ts";
import { type Moved, rolesAfter } from "../../inventory/membership-changes.ts";
import { displayName, filled } from "../../ocsf/derive.ts";
import { countsAsMfa, factorName, resistsPhishing } from "../../okta/factor-names.ts";
import { type OktaFactor, type OktaRole, type OktaUser, USER_ATTRIBUTES } from "../../okta/records.ts";
import { changedFields, changedList, changedValue, readersOf, snakeCase } from "../changed-fields.ts";

/** Of these, look-ups make a field of theirs. */
const AS_LOOKED_UP: ReadonlySet<string> = new Set([
  "login",
  "email",
  "displayName",
  "department",
  "title",
  "manager",
]);

/** `user_type` is the id of the user's type. */
const nameOf = (attribute: string): string =>
  attribute === "userType" ? "profile_user_type" : snakeCase(attribute);

/** The fields of a user's record. A sign-in is no change, and neither are times that move with other fields. */
const FIELDS = readersOf<OktaUser>({
  ...Object.fromEntries(
    USER_ATTRIBUTES.filter((name) => !AS_LOOKED_UP.has(name)).map((name) => [
      nameOf(name),
      ({ profile }: OktaUser) => profile[name],
    ]),
  ),
  status: ({ status }) => status,
  login: ({ profile }) => filled(profile.login),
  email: ({ profile }) => filled(profile.email),
  display_name: ({ profile }) => displayName(profile),
  department: ({ profile }) => filled(profile.department),
  title: ({ profile }) => filled(profile.title) ?? filled(profile.jobTitle),
  manager: ({ profile }) => filled(profile.manager) ?? filled(profile.managerId),
  password_changed: ({ passwordChanged }) => passwordChanged,
  realm_id: ({ realmId }) => realmId,
  user_type: ({ typeId }) => typeId,
});

/** What has changed about a user's record. @param before null: the user is new */
export const userChange = (before: OktaUser | null, after: OktaUser): ChangeField[] => [
  ...changedFields(FIELDS, before, after),
  ...[...new Set([...Object.keys(before?.attributes ?? {}), ...Object.keys(after.attributes ?? {})])].flatMap(
    (name) =>
      changedValue(
        `attributes.${name}`,
        before?.attributes?.[name] ?? null,
        after.attributes?.[name] ?? null,
      ),
  ),
];

const isActive = ({ status }: { readonly status: string }): boolean => status === "ACTIVE";

/** A factor as look-ups show it. */
const shownFactor = (factor: OktaFactor) => ({
  name: factorName(factor),
  provider: factor.provider,
  enrolled_at: factor.created ?? null,
  last_updated: factor.lastUpdated ?? null,
});

/** A factor that is not active, or does not count as MFA. */
const otherFactor = (factor: OktaFactor) => ({ ...shownFactor(factor), status: factor.status });

const sortedSet = (values: readonly string[]): string[] => [...new Set(values)].sort();

const factorFields = (
  { before, after }: BeforeAndAfter<readonly OktaFactor[]>,
  ignored: readonly string[],
): ChangeField[] => {
  const counts = (factor: OktaFactor): boolean => isActive(factor) && countsAsMfa(factor, ignored);
  const [was, is] = [before.filter(counts), after.filter(counts)];
  const names = (factors: readonly OktaFactor[]): string[] => sortedSet(factors.map(factorName));
  const others = (factors: readonly OktaFactor[]) =>
    factors.filter((factor) => !counts(factor)).map(otherFactor);
  return [
    ...changedValue("mfa_enrolled", was.length > 0, is.length > 0),
    ...changedList("mfa_factors", names(was), names(is)),
    ...changedList("mfa_factors_detail", was.map(shownFactor), is.map(shownFactor)),
    ...changedValue("phishing_resistant", was.some(resistsPhishing), is.some(resistsPhishing)),
    ...changedList("other_factors", others(before), others(after)),
  ];
};

/** A role as look-ups show it. */
const shownRole = ({ label, type, assignmentType, group, created, resourceSet }: OktaRole) => ({
  label: label ?? type,
  type,
  assignment: assignmentType === "GROUP" ? "group" : assignmentType === "USER" ? "user" : null,
  group: group ?? null,
  assigned_at: created ?? null,
  resource_set: resourceSet ?? null,
});

const labels = (roles: readonly OktaRole[]): string[] =>
  sortedSet(roles.map(({ label, type }) => label ?? type));

/** @param isPerson whether they are a person's, and not what a group gives */
const roleFields = (
  { before, after }: BeforeAndAfter<readonly OktaRole[]>,
  isPerson: boolean,
): ChangeField[] => {
  const [was, is] = [before.filter(isActive), after.filter(isActive)];
  return [
    ...(isPerson ? changedValue("is_admin", was.length > 0, is.length > 0) : []),
    ...changedList("admin_roles", labels(was), labels(is)),
    ...changedList("admin_roles_detail", was.map(shownRole), is.map(shownRole)),
  ];
};

type Groups = ChangeDetails["groups"]["added"];

const namesOf = (groups: Groups): string[] => groups.map(({ id, name }) => filled(name) ?? id);

const movedBetween = ({
  added,
  removed,
}: {
  readonly added: Groups;
  readonly removed: Groups;
}): ChangeField => ({
  field: "groups",
  added: namesOf(added),
  removed: namesOf(removed),
});

/**
 * What joining or leaving a group changes by itself.
 * @param facts the user's, before it; null if they are not known
 */
export const movedFields = (facts: UserFacts | null, moved: Moved): ChangeField[] => {
  if (facts?.groups.state !== "known") return [];
  const { roles } = facts;
  const around = roles.state === "known" ? rolesAfter(roles.value, moved) : null;
  return [movedBetween(moved), ...(around === null ? [] : roleFields(around, true))];
};

/** What is said of a change. @param ignored lower-case factor types that do not count as MFA */
export const userChangeFields = (
  change: StoredChange,
  ignored: readonly string[],
): readonly ChangeField[] => {
  switch (change.part) {
    case "asset":
      return change.detail.fields;
    case "factors":
      return factorFields(change.detail, ignored);
    case "roles":
      return roleFields(change.detail.roles ?? change.detail, true);
    case "groups": {
      const { roles } = change.detail;
      return [movedBetween(change.detail), ...(roles === undefined ? [] : roleFields(roles, true))];
    }
    case "group":
      return change.detail.fields;
    case "group_roles":
      return roleFields(change.detail, false);
  }
};

const FACTOR_FIELDS: ReadonlySet<string> = new Set([
  "mfa_enrolled",
  "mfa_factors",
  "mfa_factors_detail",
  "phishing_resistant",
  "other_factors",
]);
const ROLE_FIELDS: ReadonlySet<string> = new Set(["is_admin", "admin_roles", "admin_roles_detail"]);

/** The parts of which a change can have this field. */
export const partsWith = (field: string): readonly ChangePart[] => {
  if (FACTOR_FIELDS.has(field)) return ["factors"];
  // Joining or leaving a group gives and takes its roles. What a status does that by itself is told with the record.
  if (ROLE_FIELDS.has(field)) return ["roles", "groups", "group_roles", "asset"];
  return field === "groups" ? ["groups", "asset"] : ["asset", "group"];
};
