/**
 * What look-ups say of the people of a simulated org, worked out from the org's dump and the published tables alone, and
 * how a change moves it from one state to the next.
 */
import type { DumpUser, OktaFactor, OrgDump } from "../../dev/okta-org/org/types.ts";
import type { Change, ChangeField } from "../../src/contract/changes.ts";

/** The fields of an account. Lists are sorted texts; groups are named by their ids. */
export interface State {
  readonly fields: ReadonlyMap<string, unknown>;
  readonly groups: readonly string[];
  readonly factors: readonly string[];
  /** The user's own. What groups give follows from the groups. */
  readonly roles: readonly string[];
}

/** What is told of a group. */
export interface GroupState {
  readonly name: unknown;
  readonly roles: readonly string[];
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** The short names of the table in the source document. */
const NAMES: Readonly<Record<string, string>> = {
  push: "push",
  "token:software:totp": "totp",
  sms: "sms",
  call: "call",
  email: "email",
  question: "question",
  webauthn: "webauthn",
  "token:hotp": "hotp",
  "token:hardware": "hardware_token",
  u2f: "u2f",
  signed_nonce: "fastpass",
  claims_provider: "idp",
};

/** `web` is Duo's when Duo provides it. */
const factorOf = ({ factorType, provider, created }: OktaFactor): string => {
  const name = factorType === "web" && provider === "DUO" ? "duo" : (NAMES[factorType] ?? factorType);
  return JSON.stringify([name, provider, created]);
};

const sorted = (values: readonly string[]): string[] => [...values].sort();

const roleText = (label: unknown, assignment: unknown, group: unknown): string =>
  JSON.stringify([label, assignment, group]);

const stateOf = (user: DumpUser, dump: Pick<OrgDump, "groups">): State => {
  const { profile } = user;
  const groups = dump.groups.filter(({ id }) => user.groups.includes(id));
  const names = [text(profile["firstName"]), text(profile["lastName"])].filter((part) => part !== null);
  const direct = user.roles.filter(({ assignmentType }) => assignmentType === "USER");
  return {
    fields: new Map<string, unknown>([
      ["status", user.status],
      ["login", text(profile["login"])],
      ["email", text(profile["email"])],
      ["display_name", text(profile["displayName"]) ?? (names.join(" ") || text(profile["login"]))],
      ["department", text(profile["department"])],
      ["title", text(profile["title"]) ?? text(profile["jobTitle"])],
      ["password_changed", user.passwordChanged],
    ]),
    groups: sorted(groups.map(({ id }) => id)),
    factors: sorted(user.factors.filter(({ status }) => status === "ACTIVE").map(factorOf)),
    roles: sorted(
      direct.filter(({ status }) => status === "ACTIVE").map(({ label }) => roleText(label, "user", null)),
    ),
  };
};

/** Every group's state by id. */
export const groupStatesOf = ({ groups }: Pick<OrgDump, "groups">): Map<string, GroupState> =>
  new Map(
    groups.map(({ id, profile, roles }) => {
      const active = roles.filter(({ status }) => status === "ACTIVE");
      return [
        id,
        { name: profile["name"], roles: sorted(active.map(({ label }) => roleText(label, "group", id))) },
      ];
    }),
  );

/** Every user's state by id. */
export const statesOf = (dump: Pick<OrgDump, "users" | "groups">): Map<string, State> =>
  new Map(dump.users.map((user) => [user.id, stateOf(user, dump)]));

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null;

/** Takes texts out of a list, each of which must be there, and puts others in. */
const moved = (
  list: readonly string[],
  removed: readonly string[],
  added: readonly string[],
  what: string,
) => {
  const left = [...list];
  for (const one of removed) {
    const index = left.indexOf(one);
    if (index === -1) throw new Error(`${what}: ${one} was not there: ${list.join()}`);
    left.splice(index, 1);
  }
  for (const one of added) {
    if (left.includes(one) && what !== "roles") throw new Error(`${what}: ${one} was there already`);
    left.push(one);
  }
  return sorted(left);
};

const listOf = (fields: readonly ChangeField[], name: string): { added: unknown[]; removed: unknown[] } => {
  const found = fields.find(({ field }) => field === name);
  return found !== undefined && "added" in found ? found : { added: [], removed: [] };
};

const factorTexts = (rows: readonly unknown[]): string[] =>
  rows.filter(isRow).map((row) => JSON.stringify([row["name"], row["provider"], row["enrolled_at"]]));

/** The id of the group that has or had a name. */
export type GroupId = (name: unknown) => string;

const directTexts = (rows: readonly unknown[]): string[] =>
  rows
    .filter(isRow)
    .filter((row) => row["assignment"] === "user")
    .map((row) => roleText(row["label"], "user", null));

/** The state after a change of the user, or of a group that the user is in. Throws if it does not fit the state before. */
export const after = (state: State, change: Change, userId: string, idOf: GroupId): State => {
  if (change.id !== userId)
    return change.kind === "deleted"
      ? { ...state, groups: moved(state.groups, [change.id], [], "groups") }
      : state;
  const fields = new Map(state.fields);
  for (const field of change.fields) {
    if (!("before" in field) || !fields.has(field.field)) continue;
    if (fields.get(field.field) !== field.before)
      throw new Error(`${field.field} was ${fields.get(field.field)} and not ${field.before}`);
    fields.set(field.field, field.after);
  }
  const groups = listOf(change.fields, "groups");
  const factors = listOf(change.fields, "mfa_factors_detail");
  const roles = listOf(change.fields, "admin_roles_detail");
  return {
    fields,
    groups: moved(state.groups, groups.removed.map(idOf), groups.added.map(idOf), "groups"),
    factors: moved(state.factors, factorTexts(factors.removed), factorTexts(factors.added), "factors"),
    roles: moved(state.roles, directTexts(roles.removed), directTexts(roles.added), "roles"),
  };
};

/** The state of a group after a change of it; null once it is gone. Throws as `after` does. */
export const groupAfter = (state: GroupState, { id, kind, fields }: Change): GroupState | null => {
  if (kind === "deleted") return null;
  const renamed = fields.find(({ field }) => field === "name");
  if (renamed !== undefined && "before" in renamed && renamed.before !== state.name)
    throw new Error(`the name was ${state.name} and not ${renamed.before}`);
  const name = renamed !== undefined && "after" in renamed ? renamed.after : state.name;
  const given = listOf(fields, "admin_roles_detail");
  const texts = (rows: readonly unknown[]) =>
    rows.filter(isRow).map((row) => roleText(row["label"], "group", id));
  return { name, roles: moved(state.roles, texts(given.removed), texts(given.added), "roles") };
};
