/** What has changed, in people's words. Pure. */
import type { Change, ChangeActor, ChangeField, ChangeSource } from "../contract/changes.ts";
import type { StreamName } from "../contract/streams.ts";
import { spelled, type Tone, utc } from "./words.ts";

/** What people call a field. A name that is not here is shown as it is. */
const labels: Readonly<Record<string, string>> = {
  status: "Status",
  name: "Name",
  description: "Description",
  login: "Login",
  email: "E-mail",
  second_email: "Second e-mail",
  display_name: "Display name",
  first_name: "First name",
  middle_name: "Middle name",
  last_name: "Last name",
  nick_name: "Nickname",
  honorific_prefix: "Prefix",
  honorific_suffix: "Suffix",
  department: "Department",
  division: "Division",
  organization: "Organization",
  cost_center: "Cost center",
  title: "Title",
  job_title: "Job title",
  manager: "Manager",
  manager_id: "Manager's id",
  employee_number: "Employee number",
  mobile_phone: "Mobile phone",
  primary_phone: "Phone",
  street_address: "Street",
  city: "City",
  state: "State",
  zip_code: "ZIP code",
  postal_address: "Postal address",
  country: "Country",
  country_code: "Country code",
  preferred_language: "Language",
  locale: "Locale",
  timezone: "Time zone",
  profile_url: "Profile URL",
  profile_user_type: "User type in the profile",
  user_type: "User type",
  realm_id: "Realm",
  password_changed: "Password changed",
  mfa_enrolled: "MFA enrolled",
  mfa_factors: "MFA factors",
  mfa_factors_detail: "MFA factors",
  phishing_resistant: "Phishing-resistant MFA",
  other_factors: "Other factors",
  is_admin: "Administrator",
  admin_roles: "Roles",
  admin_roles_detail: "Roles",
  groups: "Groups",
  type: "Type",
  serial_number: "Serial number",
  manufacturer: "Manufacturer",
  model: "Model",
  imei: "IMEI",
  meid: "MEID",
  udid: "UDID",
  sid: "SID",
  tpm_public_key_hash: "TPM key",
  is_managed: "Managed",
  is_registered: "Registered",
  is_jailbroken: "Jailbroken",
  compliance_status: "Compliance",
  has_secure_hardware: "Secure hardware",
  encryption_type: "Disk encryption",
  user_uid: "Owner's id",
  users: "People",
  "os.name": "Platform",
  "os.version": "OS version",
};

const ATTRIBUTE = "attributes.";

/** What people call a field. */
export const fieldLabel = (field: string): string => {
  if (Object.hasOwn(labels, field)) return labels[field] ?? field;
  return field.startsWith(ATTRIBUTE) ? `${field.slice(ATTRIBUTE.length)} (custom attribute)` : field;
};

type Choices = Readonly<Record<string, readonly [label: string, fields: readonly string[]]>>;

/** What people can choose from, by stream: fields that belong together. */
const choices: Readonly<Record<StreamName, Choices>> = {
  users: {
    roles: ["Administrator roles", ["is_admin", "admin_roles", "admin_roles_detail"]],
    mfa: [
      "MFA factors",
      ["mfa_enrolled", "mfa_factors", "mfa_factors_detail", "phishing_resistant", "other_factors"],
    ],
    groups: ["Groups", ["groups"]],
    status: ["Status", ["status"]],
    password: ["Password", ["password_changed"]],
    email: ["E-mail and login", ["email", "second_email", "login"]],
    name: ["Name", ["name", "display_name", "first_name", "middle_name", "last_name", "nick_name"]],
    work: [
      "Department, title, manager",
      ["department", "division", "title", "job_title", "manager", "manager_id"],
    ],
  },
  devices: {
    status: ["Status", ["status"]],
    managed: ["Managed", ["is_managed", "is_registered"]],
    compliance: ["Compliance", ["compliance_status"]],
    people: ["People", ["users", "user_uid"]],
    security: ["Encryption and integrity", ["encryption_type", "has_secure_hardware", "is_jailbroken"]],
    os: ["Platform and version", ["os.name", "os.version"]],
    name: ["Name", ["name"]],
  },
};

/** What people can choose from: each choice with its label. */
export const choicesOf = (stream: StreamName): readonly (readonly [name: string, label: string])[] =>
  Object.entries(choices[stream]).map(([name, [label]]) => [name, label]);

/** The fields of a choice, or the one that has this name. */
export const fieldsOf = (stream: StreamName, choice: string): readonly string[] => {
  const chosen = Object.hasOwn(choices[stream], choice) ? choices[stream][choice] : undefined;
  return chosen?.[1] ?? [choice];
};

/** A value as it is shown. */
export type ShownValue =
  | { readonly as: "text"; readonly text: string }
  | { readonly as: "time"; readonly at: string }
  /** Not set, or unknown. */
  | { readonly as: "none" };

/** What has changed of one field, as it is shown. */
export type ShownField = { readonly label: string } & (
  | { readonly kind: "value"; readonly before: ShownValue; readonly after: ShownValue }
  | {
      readonly kind: "list";
      readonly added: readonly string[];
      readonly removed: readonly string[];
      /** Entries that are still there, but not quite as they were. */
      readonly altered: readonly string[];
    }
);

/** Fields whose values are constants of Okta's, like PASSWORD_EXPIRED. */
const words: ReadonlySet<string> = new Set(["status", "compliance_status", "type", "encryption_type"]);
const times: ReadonlySet<string> = new Set(["password_changed"]);

const shownValue = (field: string, value: unknown): ShownValue => {
  if (value === null || value === undefined || value === "") return { as: "none" };
  if (typeof value === "boolean") return { as: "text", text: value ? "Yes" : "No" };
  if (typeof value !== "string") return { as: "text", text: JSON.stringify(value) };
  if (times.has(field) && !Number.isNaN(Date.parse(value))) return { as: "time", at: value };
  return { as: "text", text: words.has(field) ? spelled(value) : value };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textIn = (entry: Readonly<Record<string, unknown>>, key: string): string | null => {
  const value = entry[key];
  return typeof value === "string" && value !== "" ? value : null;
};

/** A name, and what there is to say of it in brackets. */
const withDetails = (name: string, details: readonly (string | null)[]): string => {
  const known = details.filter((detail) => detail !== null);
  return known.length === 0 ? name : `${name} (${known.join(", ")})`;
};

/** An entry of a list in words: a name, a factor, a role, or somebody who is linked to a device. @param owner the id of what has changed */
const entryWords = (entry: unknown, owner: string): string => {
  if (typeof entry === "string") return entry;
  if (!isRecord(entry)) return JSON.stringify(entry) ?? "";
  const text = (key: string) => textIn(entry, key);
  const word = (key: string) => {
    const value = text(key);
    return value === null ? null : spelled(value).toLowerCase();
  };
  const label = text("label");
  if (label !== null) {
    const group = text("group");
    const isThroughOther = entry["assignment"] === "group" && group !== owner;
    return withDetails(label, [isThroughOther ? `through ${group ?? "a group"}` : null]);
  }
  const name = text("name");
  if (name !== null) {
    const enrolled = text("enrolled_at");
    return withDetails(name, [text("provider"), word("status"), enrolled && `enrolled ${utc(enrolled)}`]);
  }
  const person = text("login") ?? text("id");
  if (person === null) return JSON.stringify(entry);
  const lock = word("screen_lock_type");
  return withDetails(person, [word("management_status"), lock && `screen lock: ${lock}`]);
};

const listOf = (
  field: string,
  owner: string,
  lists: { added: readonly unknown[]; removed: readonly unknown[] },
): ShownField => {
  const added = lists.added.map((entry) => entryWords(entry, owner));
  const removed = lists.removed.map((entry) => entryWords(entry, owner));
  return {
    label: fieldLabel(field),
    kind: "list",
    added: added.filter((entry) => !removed.includes(entry)),
    removed: removed.filter((entry) => !added.includes(entry)),
    altered: [...new Set(added.filter((entry) => removed.includes(entry)))],
  };
};

/** A field with all details says what the one of the same label says, and more. */
const DETAIL = "_detail";

/** What has changed, field by field. */
export const shownFields = ({ id, fields }: Pick<Change, "id" | "fields">): ShownField[] => {
  const names = new Set(fields.map(({ field }) => field));
  return fields
    .filter(({ field }) => !names.has(`${field}${DETAIL}`))
    .map((change: ChangeField) =>
      "added" in change
        ? listOf(change.field, id, change)
        : {
            label: fieldLabel(change.field),
            kind: "value",
            before: shownValue(change.field, change.before),
            after: shownValue(change.field, change.after),
          },
    );
};

/** The kinds of changes in words. */
export const kindWords: Readonly<Record<Change["kind"], { readonly words: string; readonly tone: Tone }>> = {
  created: { words: "Created", tone: "busy" },
  updated: { words: "Changed", tone: "mute" },
  deleted: { words: "Deleted", tone: "bad" },
  restored: { words: "Restored", tone: "good" },
};

/** How a change was found. */
export const sourceWords: Readonly<Record<ChangeSource, string>> = {
  log: "told by the System Log",
  search: "found by a search for changes",
  full: "found by a full run",
  rolling: "found when old facts were read again",
};

/** Who made a change, as far as it is told. */
export interface ShownActor {
  readonly name: string | null;
  readonly login: string | null;
  /** As Okta spells it; null for a person. */
  readonly type: string | null;
  readonly ip: string | null;
}

/** Who made a change; null if nothing is told of it. */
export const shownActor = (actor: ChangeActor | null): ShownActor | null => {
  if (actor === null) return null;
  const { id, login, ip } = actor;
  const name = actor.name ?? login ?? id;
  if (name === null && ip === null) return null;
  const type = actor.type === null || actor.type === "User" ? null : actor.type;
  return { name, login: login === name ? null : login, type, ip };
};
