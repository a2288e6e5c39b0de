/**
 * A change as an English sentence. All text in it comes from outside, so each piece is cut to a bound, and so are lists:
 * the sentence is short whatever the change holds.
 */
import type { Change } from "../contract/changes.ts";
import { type ChangedFields, told } from "./change-fields.ts";
import { FACTOR_FIELDS, ROLE_FIELDS, type SecurityMeaning } from "./change-security.ts";

/** The longest piece of text from outside, in characters. */
const MAX_PIECE = 80;
/** The most entries of a list that are named. */
const MOST_NAMED = 3;

/** A piece of text on one line and within the bound; null if nothing of it can be seen. */
const piece = (text: string | null): string | null => {
  if (text === null) return null;
  const line = text
    .slice(0, 8 * MAX_PIECE)
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim();
  const characters = [...line];
  if (characters.length === 0) return null;
  return characters.length > MAX_PIECE ? `${characters.slice(0, MAX_PIECE - 1).join("")}…` : line;
};

/** `a, b and c`; what is beyond the bound is counted. */
const listed = (names: readonly string[]): string => {
  const shown = names.slice(0, MOST_NAMED).map((name) => piece(name) ?? "(blank)");
  if (names.length > MOST_NAMED) shown.push(`${names.length - MOST_NAMED} more`);
  const last = shown.pop() ?? "";
  return shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
};

const plural = (count: number, noun: string): string => (count === 1 ? noun : `${noun}s`);

const LABELS: ReadonlyMap<string, string> = new Map([
  ["email", "e-mail"],
  ["second_email", "second e-mail"],
  ["realm_id", "realm"],
  ["compliance_status", "compliance"],
  ["is_managed", "management"],
  ["is_registered", "registration"],
  ["os.name", "operating system"],
  ["os.version", "version of the operating system"],
  ["is_jailbroken", "jailbreak state"],
  ["has_secure_hardware", "secure hardware"],
  ["encryption_type", "disk encryption"],
  ["user_uid", "owner"],
]);

const ATTRIBUTE = "attributes.";

const labelOf = (field: string): string => {
  const known = LABELS.get(field);
  if (known !== undefined) return known;
  return field.startsWith(ATTRIBUTE)
    ? `attribute ${field.slice(ATTRIBUTE.length)}`
    : field.replaceAll("_", " ");
};

/** What a list has gained and lost: `admin roles A and B assigned`. */
const moved = (
  fields: ChangedFields,
  field: string,
  noun: string,
  verbs: { readonly added: string; readonly removed: string },
): string[] =>
  (["added", "removed"] as const).flatMap((direction) => {
    const names = fields.texts(field, direction);
    if (names.length === 0) return [];
    return `${plural(names.length, noun)} ${listed(names)} ${verbs[direction]}`;
  });

const roleParts = (fields: ChangedFields): string[] => {
  const parts = moved(fields, "admin_roles", "admin role", { added: "assigned", removed: "revoked" });
  const [was, is] = [fields.flag("is_admin", "before"), fields.flag("is_admin", "after")];
  if (is === true && was !== true) parts.unshift("made an administrator");
  if (is === false && was === true) parts.unshift("no longer an administrator");
  return parts.length === 0 && fields.hasAny(ROLE_FIELDS) ? ["admin roles changed"] : parts;
};

const factorParts = (fields: ChangedFields, { isWithoutMfa }: SecurityMeaning): string[] => {
  if (isWithoutMfa) {
    const names = fields.texts("mfa_factors", "removed");
    return [`all MFA factors removed${names.length > 0 ? ` (${listed(names)})` : ""}`];
  }
  const parts = moved(fields, "mfa_factors", "MFA factor", { added: "enrolled", removed: "removed" });
  return parts.length === 0 && fields.hasAny(FACTOR_FIELDS) ? ["factors changed"] : parts;
};

const groupParts = (fields: ChangedFields): string[] =>
  (["added", "removed"] as const).flatMap((direction) => {
    const names = fields.texts("groups", direction);
    if (names.length === 0) return [];
    const preposition = direction === "added" ? "to" : "from";
    return `${direction} ${preposition} ${plural(names.length, "group")} ${listed(names)}`;
  });

const statusParts = (fields: ChangedFields): string[] => {
  const [was, is] = [piece(fields.text("status", "before")), piece(fields.text("status", "after"))];
  return was === null || is === null ? [] : [`status changed from ${was} to ${is}`];
};

/** All that has changed, each once: first what has words of its own, then the other fields by name. */
const parts = (fields: ChangedFields, meaning: SecurityMeaning): string[] => {
  const [status, groups] = [statusParts(fields), groupParts(fields)];
  const password = fields.has("password_changed") ? ["password changed"] : [];
  const said = new Set([
    ...ROLE_FIELDS,
    ...FACTOR_FIELDS,
    "password_changed",
    ...(status.length > 0 ? ["status"] : []),
    ...(groups.length > 0 ? ["groups"] : []),
  ]);
  const others = fields.names.filter((field) => !said.has(field)).map(labelOf);
  return [
    ...roleParts(fields),
    ...factorParts(fields, meaning),
    ...(meaning.isPasswordReset ? ["password reset"] : password),
    ...status,
    ...groups,
    ...(others.length > 0 ? [`${listed(others)} changed`] : []),
  ];
};

const nounOf = ({ stream }: Change, isGroup: boolean): string => {
  if (stream === "devices") return "device";
  return isGroup ? "group" : "user";
};

/** A change as a sentence, such as `Okta user mary@example.com: e-mail changed by admin@example.com`. */
export const messageOf = (
  change: Change,
  fields: ChangedFields,
  of: {
    readonly meaning: SecurityMeaning;
    readonly isGroup: boolean;
    readonly subject: Readonly<Record<"name" | "login" | "email", string | null>>;
  },
): string => {
  const { subject } = of;
  const names = [subject.login, subject.email, subject.name, change.name, change.id];
  const who = names.map(piece).find((name) => name !== null) ?? "(blank)";
  const what = change.kind === "updated" ? parts(fields, of.meaning) : [change.kind];
  const { login = null, name = null, id = null } = change.actor ?? {};
  const author = [login, name, id].map((text) => piece(told(text))).find((text) => text !== null);
  return `Okta ${nounOf(change, of.isGroup)} ${who}: ${what.join("; ") || "changed"}${author ? ` by ${author}` : ""}`;
};
