/**
 * Okta's records, read leniently and kept as a canonical projection: keys in a fixed order, values of a wrong type
 * null or absent, strings bounded, so that equal content is equal `JSON.stringify` text. Okta's own example
 * payloads break its schema (nulls, extra keys), so only what cannot be filed at all is refused.
 */
import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import {
  child,
  compareText,
  count,
  flag,
  identifier,
  type JsonRecord,
  list,
  scalar,
  text,
  time,
  word,
} from "./records/readers.ts";
import {
  type AttributeValue,
  type BadRecord,
  DEVICE_FLAGS,
  DEVICE_TEXTS,
  type OktaDevice,
  type OktaDeviceProfile,
  type OktaDeviceUser,
  type OktaFactor,
  type OktaGroup,
  type OktaLogActor,
  type OktaLogEvent,
  type OktaRole,
  type OktaUser,
  type OktaUserProfile,
  USER_ATTRIBUTES,
} from "./records/types.ts";

export type {
  AttributeValue,
  BadRecord,
  OktaDevice,
  OktaDeviceProfile,
  OktaDeviceUser,
  OktaFactor,
  OktaGroup,
  OktaLogEvent,
  OktaRole,
  OktaUser,
  OktaUserProfile,
} from "./records/types.ts";
export { USER_ATTRIBUTES, userFields } from "./records/types.ts";

const bad = (record: JsonRecord | null, reason: string) =>
  err<BadRecord>({ reason, id: record === null ? null : identifier(record, "id") });

const NOTHING: JsonRecord = {};
const NOT_AN_OBJECT = "not a JSON object";
const NO_ID = "no id of 1 to 100 letters, digits, _ or -";
const NO_STATUS = "no status";
const NO_PROFILE = "no profile object";

/** The id of any record, for lists of which only the ids are needed (members, assignees); null without one. */
export const identifierOf = (record: unknown): string | null =>
  isPlainObject(record) ? identifier(record, "id") : null;

const userProfile = (profile: JsonRecord): OktaUserProfile => {
  const kept: Partial<Record<(typeof USER_ATTRIBUTES)[number], string>> = {};
  for (const key of USER_ATTRIBUTES) {
    const value = text(profile, key);
    if (value !== null) kept[key] = value;
  }
  return kept;
};

/** What a user or device needs to be filed at all. */
const fileable = (
  record: unknown,
): Result<{ record: JsonRecord; id: string; status: string; profile: JsonRecord }, BadRecord> => {
  if (!isPlainObject(record)) return bad(null, NOT_AN_OBJECT);
  const id = identifier(record, "id");
  if (id === null) return bad(record, NO_ID);
  const status = word(record, "status");
  if (status === null) return bad(record, NO_STATUS);
  const profile = child(record, "profile");
  if (profile === null) return bad(record, NO_PROFILE);
  return ok({ record, id, status, profile });
};

/** So many items of a custom attribute's list are kept. */
const MAX_ITEMS = 100;

const attributeValue = (profile: JsonRecord, key: string): AttributeValue | null => {
  const value = profile[key];
  if (!Array.isArray(value)) return scalar(profile, key);
  return value
    .slice(0, MAX_ITEMS)
    .map((item) => scalar({ item }, "item"))
    .filter((item) => item !== null);
};

/** The named attributes, in the order of their names; null where one is not set. */
const attributesOf = (profile: JsonRecord, names: readonly string[]): Record<string, AttributeValue | null> =>
  Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(profile, name) ? attributeValue(profile, name) : null]),
  );

/**
 * A user of any user list or `GET /api/v1/users/{id}`.
 * @param attributes names of the custom profile attributes to keep
 */
export const parseUser = (raw: unknown, attributes: readonly string[] = []): Result<OktaUser, BadRecord> => {
  const asset = fileable(raw);
  if (!asset.ok) return asset;
  const { record, id, status, profile } = asset.value;
  const realmId = identifier(record, "realmId");
  const type = child(record, "type");
  const typeId = type === null ? null : identifier(type, "id");
  return ok({
    id,
    status,
    created: time(record, "created"),
    activated: time(record, "activated"),
    statusChanged: time(record, "statusChanged"),
    lastLogin: time(record, "lastLogin"),
    lastUpdated: time(record, "lastUpdated"),
    passwordChanged: time(record, "passwordChanged"),
    profile: userProfile(profile),
    ...(realmId !== null && { realmId }),
    ...(typeId !== null && { typeId }),
    ...(attributes.length > 0 && { attributes: attributesOf(profile, attributes) }),
  });
};

/** Okta's specification spells it `hasAdminPrivlege`; the two correct spellings are accepted as well. */
const adminPrivilege = (stats: JsonRecord): boolean | null =>
  flag(stats, "hasAdminPrivlege") ?? flag(stats, "hasAdminPrivilege") ?? flag(stats, "hasAdminPrivileges");

const groupStats = (record: JsonRecord): OktaGroup["stats"] => {
  const embedded = child(record, "_embedded");
  const stats = embedded === null ? null : child(embedded, "stats");
  return stats === null
    ? null
    : { usersCount: count(stats, "usersCount"), hasAdminPrivilege: adminPrivilege(stats) };
};

/** A group of any list of groups, with stats or without, or of a user's groups. */
export const parseGroup = (record: unknown): Result<OktaGroup, BadRecord> => {
  if (!isPlainObject(record)) return bad(null, NOT_AN_OBJECT);
  const id = identifier(record, "id");
  if (id === null) return bad(record, NO_ID);
  const profile = child(record, "profile");
  return ok({
    id,
    type: word(record, "type"),
    name: profile === null ? null : text(profile, "name"),
    description: profile === null ? null : text(profile, "description"),
    lastUpdated: time(record, "lastUpdated"),
    lastMembershipUpdated: time(record, "lastMembershipUpdated"),
    stats: groupStats(record),
  });
};

/** One factor of `GET /api/v1/users/{id}/factors`. It needs a type and a status; its id is not used. */
export const parseFactor = (record: unknown): Result<OktaFactor, BadRecord> => {
  if (!isPlainObject(record)) return bad(null, NOT_AN_OBJECT);
  const factorType = word(record, "factorType");
  if (factorType === null) return bad(record, "no factorType");
  const status = word(record, "status");
  if (status === null) return bad(record, NO_STATUS);
  return ok({
    id: identifier(record, "id"),
    factorType,
    provider: word(record, "provider"),
    status,
    created: time(record, "created"),
    lastUpdated: time(record, "lastUpdated"),
  });
};

const GROUP_PATH = /\/api\/v1\/groups\/([A-Za-z0-9_-]{1,100})\/?$/;

/** The id of the group that gives a role: Okta links it as the assignee. Null for a role of the user's own. */
const givingGroup = (record: JsonRecord): string | null => {
  const assignee = child(child(record, "_links") ?? NOTHING, "assignee");
  return GROUP_PATH.exec(text(assignee ?? NOTHING, "href") ?? "")?.[1] ?? null;
};

/** One role of a user or a group. It needs a type and a status. */
export const parseRole = (record: unknown): Result<OktaRole, BadRecord> => {
  if (!isPlainObject(record)) return bad(null, NOT_AN_OBJECT);
  const type = word(record, "type");
  if (type === null) return bad(record, "no type");
  const status = word(record, "status");
  if (status === null) return bad(record, NO_STATUS);
  const resourceSet = identifier(record, "resource-set");
  const group = givingGroup(record);
  return ok({
    id: identifier(record, "id"),
    type,
    label: word(record, "label"),
    status,
    assignmentType: word(record, "assignmentType"),
    created: time(record, "created"),
    ...(resourceSet !== null && { resourceSet }),
    ...(group !== null && { group }),
  });
};

const deviceProfile = (profile: JsonRecord): OktaDeviceProfile => {
  const kept: { -readonly [K in keyof OktaDeviceProfile]: OktaDeviceProfile[K] } = {};
  for (const key of DEVICE_TEXTS) {
    const value = text(profile, key);
    if (value !== null) kept[key] = value;
  }
  for (const key of DEVICE_FLAGS) {
    const value = flag(profile, key);
    if (value !== null) kept[key] = value;
  }
  const osUpdateTime = time(profile, "osUpdateTime");
  if (osUpdateTime !== null) kept.osUpdateTime = osUpdateTime;
  return kept;
};

const deviceUser = (link: unknown): OktaDeviceUser | null => {
  if (!isPlainObject(link)) return null;
  const user = child(link, "user");
  const id = user === null ? null : identifier(user, "id");
  if (user === null || id === null) return null;
  const profile = child(user, "profile") ?? NOTHING;
  return {
    id,
    created: time(link, "created"),
    managementStatus: word(link, "managementStatus"),
    screenLockType: word(link, "screenLockType"),
    login: text(profile, "login"),
    email: text(profile, "email"),
    firstName: text(profile, "firstName"),
    lastName: text(profile, "lastName"),
  };
};

const deviceUsers = (record: JsonRecord): OktaDeviceUser[] => {
  const embedded = child(record, "_embedded");
  return embedded === null ? [] : parseDeviceUsers(list(embedded, "users"));
};

/** The users linked to a device, the oldest link first. A link that names nobody is left out. */
export const parseDeviceUsers = (links: readonly unknown[]): OktaDeviceUser[] =>
  links
    .map(deviceUser)
    .filter((user) => user !== null)
    .sort((a, b) => compareText(a.created, b.created) || compareText(a.id, b.id));

/** A device of `GET /api/v1/devices`, with `expand=user` or `userSummary`, or of the shape that older samples have. */
export const parseDevice = (raw: unknown): Result<OktaDevice, BadRecord> => {
  const asset = fileable(raw);
  if (!asset.ok) return asset;
  const { record, id, status, profile } = asset.value;
  return ok({
    id,
    status,
    created: time(record, "created"),
    lastUpdated: time(record, "lastUpdated"),
    lastSeen: time(record, "lastSeen"),
    deviceType: word(record, "deviceType"),
    managed: flag(record, "managed"),
    complianceStatus: word(record, "complianceStatus"),
    userId: identifier(record, "userId"),
    profile: deviceProfile(profile),
    users: deviceUsers(record),
  });
};

const logActor = (record: JsonRecord): OktaLogActor => ({
  id: word(record, "id"),
  type: word(record, "type"),
  alternateId: word(record, "alternateId"),
  displayName: word(record, "displayName"),
});

/** One event of the System Log or of an event hook, without its bulky contexts. */
export const parseLogEvent = (record: unknown): Result<OktaLogEvent, BadRecord> => {
  if (!isPlainObject(record)) return bad(null, NOT_AN_OBJECT);
  const uuid = identifier(record, "uuid");
  if (uuid === null) return err({ reason: "no uuid", id: null });
  const eventType = word(record, "eventType");
  if (eventType === null) return err({ reason: "no eventType", id: uuid });
  const outcome = child(record, "outcome");
  const actor = child(record, "actor");
  const client = child(record, "client");
  return ok({
    uuid,
    published: time(record, "published"),
    eventType,
    outcome: outcome === null ? null : word(outcome, "result"),
    reason: outcome === null ? null : word(outcome, "reason"),
    actor: actor === null ? null : logActor(actor),
    ip: client === null ? null : word(client, "ipAddress"),
    target: list(record, "target").filter(isPlainObject).map(logActor),
  });
};

/** Which records of a list could be read, and which could not. */
export interface Parsed<T> {
  readonly records: T[];
  readonly quarantined: BadRecord[];
}

/** Reads a page record by record, so that one bad record does not affect the others. Keeps the order. */
export const parseAll = <T>(
  page: readonly unknown[],
  parse: (record: unknown) => Result<T, BadRecord>,
): Parsed<T> => {
  const records: T[] = [];
  const quarantined: BadRecord[] = [];
  for (const record of page) {
    const parsed = parse(record);
    if (parsed.ok) records.push(parsed.value);
    else quarantined.push(parsed.error);
  }
  return { records, quarantined };
};

/** A user's groups, sorted so that equal sets are equal text. */
export const parseGroups = (page: readonly unknown[]): Parsed<OktaGroup> => {
  const parsed = parseAll(page, parseGroup);
  parsed.records.sort((a, b) => compareText(a.id, b.id));
  return parsed;
};

/** A user's factors, sorted so that equal sets are equal text. */
export const parseFactors = (page: readonly unknown[]): Parsed<OktaFactor> => {
  const parsed = parseAll(page, parseFactor);
  parsed.records.sort((a, b) => compareText(a.id, b.id) || compareText(a.factorType, b.factorType));
  return parsed;
};

/** The order of roles in a fact. */
export const byRole = (a: OktaRole, b: OktaRole): number =>
  compareText(a.id, b.id) || compareText(a.type, b.type);

/** A user's or group's roles, sorted so that equal sets are equal text. */
export const parseRoles = (page: readonly unknown[]): Parsed<OktaRole> => {
  const parsed = parseAll(page, parseRole);
  parsed.records.sort(byRole);
  return parsed;
};
