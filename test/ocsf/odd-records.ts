/** fast-check arbitraries for records that a hostile or merely surprising Okta might send. */
import * as fc from "fast-check";
import {
  type DeviceFacts,
  type EventContext,
  type Fact,
  known,
  type UserFacts,
  unknown,
} from "../../src/inventory/facts.ts";
import type { OktaDevice, OktaUser } from "../../src/okta/records.ts";
import { parseAll, parseFactors, parseGroup, parseRoles } from "../../src/okta/records.ts";

export const oddText = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "a@b@c.example",
    "@",
    "x@",
    "@example.com",
    "o'hara+tag@example.co.uk",
    "José@exämple.com",
    "a b@example.com",
    "😀 emoji 👩‍👩‍👧",
    "\ud800",
    "lone \udc00 low",
    "مرحبا بالعالم",
    "‮evil",
    "null\u0000byte",
    "line\nbreak",
    "__proto__",
    "n".repeat(2048),
    "😀".repeat(2100),
    `${"a".repeat(300)}@example.com`,
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.emailAddress(),
);

export const oddTime = fc.oneof(
  fc.constantFrom(
    "2020-06-04T10:00:00.000Z",
    "2025-08-26T09:30:00Z",
    "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999Z",
    "+275760-09-13T00:00:00.000Z",
    "2020-02-30T00:00:00.000Z",
    "2020-06-04T10:00:00.123456789Z",
    "2020-06-04",
    "yesterday",
    "1591264800",
  ),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);

const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, 0, -1, 1.5, true, false, Number.NaN),
  fc.constant({}),
  fc.constant([]),
  fc.constant({ nested: { deep: ["x"] } }),
);

/** Usually the value, sometimes something of another type. */
const mostly = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: wrong });

const id = fc.oneof(
  { weight: 20, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/) },
  { weight: 1, arbitrary: fc.constantFrom("", "a/b", "../x", "i".repeat(101), "ü") },
);

const fields = (keys: readonly string[], value: fc.Arbitrary<unknown>) =>
  Object.fromEntries(keys.map((key) => [key, mostly(value)]));

const record = (model: Record<string, fc.Arbitrary<unknown>>) => fc.record(model, { requiredKeys: [] });

/** Custom profile attributes to keep: some of these records have them, others those of simulated orgs. */
export const ATTRIBUTES = ["badgeColor", "customAttribute", "floor", "isContractor", "level", "skills"];

const userProfile = record({
  ...fields(
    [
      "login",
      "email",
      "secondEmail",
      "firstName",
      "lastName",
      "middleName",
      "title",
      "jobTitle",
      "displayName",
      "primaryPhone",
      "mobilePhone",
      "city",
      "zipCode",
      "userType",
      "employeeNumber",
      "costCenter",
      "organization",
      "department",
      "managerId",
      "manager",
      "streetAddress",
      "customAttribute",
    ],
    oddText,
  ),
  level: mostly(fc.double()),
  isContractor: mostly(fc.boolean()),
  skills: mostly(fc.array(fc.oneof(oddText, fc.double(), wrong), { maxLength: 3 })),
  state: mostly(fc.constantFrom("NY", "California", "us-ny", "1", "")),
  countryCode: mostly(fc.constantFrom("US", "us", "USA", "ZZ", "United States", "")),
  country: mostly(fc.constantFrom("FRA", "fr", "France", "XK")),
});

const USER_STATUSES = [
  "ACTIVE",
  "DEPROVISIONED",
  "LOCKED_OUT",
  "SUSPENDED",
  "ACTIVATING",
  "BRAND_NEW",
  "Other",
  "",
];

/** Anything that a list of users could contain. */
export const oddUser: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      id: mostly(id),
      status: mostly(fc.constantFrom(...USER_STATUSES)),
      profile: fc.oneof({ weight: 9, arbitrary: userProfile }, { weight: 1, arbitrary: wrong }),
      ...fields(
        ["created", "activated", "statusChanged", "lastLogin", "lastUpdated", "passwordChanged"],
        oddTime,
      ),
      realmId: mostly(id),
      type: mostly(record({ id: mostly(id) })),
    }),
  },
  { weight: 1, arbitrary: wrong },
  { weight: 1, arbitrary: fc.anything() },
);

const factor = record({
  id: mostly(id),
  factorType: mostly(fc.constantFrom("push", "token:software:totp", "web", "signed_nonce", "novel", "")),
  provider: mostly(fc.constantFrom("OKTA", "DUO", "GOOGLE")),
  status: mostly(fc.constantFrom("ACTIVE", "PENDING_ACTIVATION", "NOVEL")),
  ...fields(["created", "lastUpdated"], oddTime),
});

const role = record({
  id: mostly(id),
  type: mostly(fc.constantFrom("SUPER_ADMIN", "CUSTOM", "NOVEL")),
  label: mostly(oddText),
  status: mostly(fc.constantFrom("ACTIVE", "INACTIVE")),
  assignmentType: mostly(fc.constantFrom("USER", "GROUP")),
  created: mostly(oddTime),
  "resource-set": mostly(id),
  _links: mostly(record({ assignee: mostly(record({ href: mostly(oddText) })) })),
});

const group = record({
  id: mostly(id),
  type: mostly(fc.constantFrom("OKTA_GROUP", "APP_GROUP", "BUILT_IN", "NOVEL")),
  profile: mostly(record(fields(["name", "description"], oddText))),
});

const reason = fc.constantFrom("pending" as const, "forbidden" as const, "failed" as const);
const AT = Date.parse("2025-08-26T09:00:00.000Z");

const fact = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Fact<T>> =>
  fc.oneof(
    value.map((held) => known(held, AT)),
    reason.map((why) => unknown<T>(why)),
    fc.tuple(reason, value).map(([why, held]) => unknown(why, { value: held, at: AT })),
  );

const factors = fc.array(factor, { maxLength: 4 }).map((page) => parseFactors(page).records);
const roles = fc.array(role, { maxLength: 3 }).map((page) => parseRoles(page).records);

const groups = fc.array(fc.tuple(group, fact(roles)), { maxLength: 4 }).map((pairs) =>
  pairs.flatMap(([source, held]) =>
    parseAll([source], parseGroup).records.map(({ id, name, description, type }) => ({
      id,
      name,
      description,
      type,
      roles: held,
    })),
  ),
);

/** Any facts about a user whose record can be read. */
export const oddUserFacts = (user: OktaUser): fc.Arbitrary<UserFacts> =>
  fc.record({ user: fc.constant(user), groups: fact(groups), factors: fact(factors), roles: fact(roles) });

const link = record({
  created: mostly(oddTime),
  managementStatus: mostly(fc.constantFrom("MANAGED", "NOT_MANAGED", "NOVEL")),
  screenLockType: mostly(fc.constantFrom("NONE", "PASSCODE", "BIOMETRIC")),
  user: mostly(
    record({
      id: mostly(id),
      profile: mostly(record(fields(["login", "email", "displayName", "firstName", "lastName"], oddText))),
    }),
  ),
});

const deviceProfile = record({
  ...fields(
    ["displayName", "manufacturer", "serialNumber", "imei", "meid", "udid", "sid", "tpmPublicKeyHash"],
    fc.oneof(
      oddText,
      fc.constantFrom("LAPTOP-1", "host.example.com", "-bad-", "a".repeat(64), "x.".repeat(140)),
    ),
  ),
  platform: mostly(
    fc.constantFrom(
      "WINDOWS",
      "Windows",
      "MACOS",
      "iOS",
      "ANDROID",
      "CHROMEOS",
      "linux",
      "Other",
      "Unknown",
      "TVOS",
      "",
    ),
  ),
  model: mostly(
    fc.constantFrom("iPad Pro", "MacBookPro18,1", "Macmini9,1", "Latitude 5540", "iPhone 14 Pro"),
  ),
  osVersion: mostly(fc.constantFrom("10.0.22621", "10.0.22621.1555", "17.5.1", "", "x")),
  osUpdateTime: mostly(oddTime),
  diskEncryptionType: mostly(fc.constantFrom("NONE", "FULL", "BitLocker", "")),
  ...fields(["registered", "secureHardwarePresent", "integrityJailbreak", "managed"], fc.boolean()),
});

/** Anything that a list of devices could contain: in the real shape, in the shape of older samples, or a mixture. */
export const oddDevice: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      id: mostly(id),
      status: mostly(fc.constantFrom("ACTIVE", "SUSPENDED", "DEACTIVATED", "CREATED", "NOVEL")),
      profile: fc.oneof({ weight: 9, arbitrary: deviceProfile }, { weight: 1, arbitrary: wrong }),
      ...fields(["created", "lastUpdated", "lastSeen"], oddTime),
      deviceType: mostly(
        fc.constantFrom("Computer", "MobileDevice", "Laptop", "Other", "Unknown", "Toaster", ""),
      ),
      managed: mostly(fc.boolean()),
      complianceStatus: mostly(fc.constantFrom("COMPLIANT", "NON_COMPLIANT", "UNKNOWN", "NOVEL")),
      userId: mostly(id),
      _embedded: mostly(record({ users: mostly(fc.array(mostly(link), { maxLength: 4 })) })),
    }),
  },
  { weight: 1, arbitrary: wrong },
  { weight: 1, arbitrary: fc.anything() },
);

export const deviceFacts = (device: OktaDevice): DeviceFacts => ({ device });

/** The context of an asset that exists or of a deleted one. */
export const anyContext = (stream: "users" | "devices", assetId: string): fc.Arbitrary<EventContext> =>
  fc.record({
    connection: fc.constant("default"),
    tenant: fc.constant("example.okta.com"),
    stream: fc.constant(stream),
    assetId: fc.constant(assetId),
    sequence: fc.integer({ min: 1 }),
    sequenceBase: fc.constant(0),
    changedAt: fc.integer({ min: AT, max: AT + 1_000_000 }),
    deletedAt: fc.option(fc.integer({ min: AT, max: AT + 1_000_000 })),
    mfaIgnoredFactors: fc.subarray(["email", "question", "push", "token:software:totp"]),
    profileAttributes: fc.constant(ATTRIBUTES),
  });
