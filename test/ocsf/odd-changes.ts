/** Changes as odd as a hostile Okta could bring about: of every kind and field, with values of any type. */
import * as fc from "fast-check";
import { type Change, type ChangeField, changeKinds, changeSources } from "../../src/contract/changes.ts";
import type { ChangeContext } from "../../src/ocsf/index.ts";
import { oddText, oddTime } from "./odd-records.ts";

/** A change, and the context of its event. */
export interface OddChange {
  readonly change: Change;
  readonly context: ChangeContext;
}

const YEAR_BEGINS = Date.parse("2025-08-26T09:00:00.000Z");
const YEAR_MS = 365 * 86_400_000;

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/);
const text = fc.option(fc.oneof(oddText, fc.constantFrom("unknown", "Other", "mary.jones@example.com")));
const flag = fc.option(fc.boolean());

/** Usually the value, sometimes null or any other JSON. */
const mostly = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 10, arbitrary: right },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );

const single = (field: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<ChangeField> =>
  fc.record({ field: fc.constant(field), before: mostly(value), after: mostly(value) });

const list = (field: string, entry: fc.Arbitrary<unknown>): fc.Arbitrary<ChangeField> => {
  const entries = fc.array(mostly(entry), { maxLength: 5 });
  return fc.record({ field: fc.constant(field), added: entries, removed: entries });
};

const factor = fc.record({
  name: fc.constantFrom("push", "totp", "webauthn", "sms"),
  provider: fc.option(fc.constantFrom("OKTA", "DUO")),
  enrolled_at: fc.option(oddTime),
  last_updated: fc.option(oddTime),
});

const role = fc.record({
  label: oddText,
  type: fc.constantFrom("SUPER_ADMIN", "CUSTOM"),
  assignment: fc.option(fc.constantFrom("user", "group")),
  group: text,
  assigned_at: fc.option(oddTime),
  resource_set: fc.option(id),
});

const roles = [list("admin_roles", oddText), list("admin_roles_detail", role)];

const STATUSES = [
  "ACTIVE",
  "SUSPENDED",
  "DEPROVISIONED",
  "LOCKED_OUT",
  "RECOVERY",
  "PASSWORD_EXPIRED",
  "NOVEL",
];

const person = [
  single("status", fc.constantFrom(...STATUSES)),
  ...[
    "login",
    "email",
    "display_name",
    "department",
    "title",
    "manager",
    "first_name",
    "last_name",
    "mobile_phone",
    "primary_phone",
    "organization",
    "employee_number",
    "cost_center",
    "realm_id",
    "user_type",
    "attributes.badgeColor",
    "__proto__",
  ].map((field) => single(field, oddText)),
  single("attributes.skills", fc.array(oddText, { maxLength: 3 })),
  single("password_changed", oddTime),
  single("mfa_enrolled", flag),
  single("phishing_resistant", flag),
  single("is_admin", flag),
  list("mfa_factors", fc.constantFrom("push", "totp", "webauthn", "sms")),
  list("mfa_factors_detail", factor),
  list("factors", factor),
  list("other_factors", factor),
  ...roles,
];

const membership = [list("groups", oddText), single("is_admin", flag), ...roles];

const oneGroup = oddText.chain((name) =>
  fc.constantFrom<ChangeField>(
    { field: "groups", added: [name], removed: [] },
    { field: "groups", added: [], removed: [name] },
  ),
);

const group = [single("name", oddText), single("description", oddText), ...roles];

const device = [
  single("status", fc.constantFrom("CREATED", "ACTIVE", "SUSPENDED", "DEACTIVATED", "NOVEL")),
  single("name", fc.oneof(oddText, fc.constantFrom("LAPTOP-1", "host.example.com"))),
  single("type", fc.oneof(oddText, fc.constantFrom("Laptop", "MobileDevice", "Other", "Unknown"))),
  ...["serial_number", "manufacturer", "model", "imei", "meid", "udid", "sid", "encryption_type"].map(
    (field) => single(field, oddText),
  ),
  ...["is_managed", "is_registered", "is_jailbroken", "has_secure_hardware"].map((field) =>
    single(field, fc.boolean()),
  ),
  single("compliance_status", fc.constantFrom("COMPLIANT", "NON_COMPLIANT", "UNKNOWN")),
  single("user_uid", id),
  single("os.name", fc.oneof(oddText, fc.constantFrom("Windows", "macOS", "TVOS", "Other"))),
  single("os.version", fc.constantFrom("10.0.22621.1555", "17.5.1", "", "x")),
  list("users", fc.record({ id, login: text })),
];

const ip = fc.option(
  fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom(
      "unknown",
      "",
      " 10.0.0.1 ",
      "10.0.0.256",
      "10.0.0.1:443",
      "fe80::1%eth0",
      "::",
      "::ffff:192.0.2.1",
      "::FFFF:255.255.255.255",
      "1::2::3",
    ),
    oddText,
  ),
);

const actor = fc.record({
  id: fc.option(fc.oneof(id, fc.constantFrom("unknown", ""))),
  type: fc.option(fc.constantFrom("User", "SystemPrincipal", "PublicClientApp", "Other", "unknown", "")),
  login: text,
  name: text,
  ip,
});

const event = fc.record({
  uuid: fc.uuid(),
  type: fc.oneof(
    fc.constantFrom("user.account.reset_password", "user.mfa.factor.reset_all", "group.user_membership.add"),
    oddText,
  ),
  published: fc.option(oddTime),
  actor: fc.option(actor),
});

const at = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.nat(YEAR_MS).map((ms) => new Date(YEAR_BEGINS + ms).toISOString()),
  },
  { weight: 1, arbitrary: oddTime },
);

/** Some of the fields, in any order. */
const someOf = (fields: readonly fc.Arbitrary<ChangeField>[]): fc.Arbitrary<ChangeField[]> =>
  fc
    .shuffledSubarray([...fields], { maxLength: Math.min(6, fields.length) })
    .chain((chosen) => fc.tuple(...chosen))
    .map((chosen) => [...chosen]);

const changes = (
  stream: Change["stream"],
  isGroup: boolean,
  fields: fc.Arbitrary<ChangeField[]>,
): fc.Arbitrary<OddChange> =>
  fc.record({
    change: fc
      .record({
        sequence: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        at,
        id,
        name: text,
        kind: fc.oneof(
          { weight: 5, arbitrary: fc.constant("updated" as const) },
          fc.constantFrom(...changeKinds),
        ),
        source: fc.constantFrom(...changeSources),
        fields,
        actor: fc.option(actor),
        events: fc.array(event, { maxLength: 10 }),
      })
      .map((change): Change => ({ ...change, first_sequence: change.sequence, stream })),
    context: fc.record({
      connection: fc.constant("default"),
      tenant: fc.constant("example.okta.com"),
      sequenceBase: fc.constant(0),
      storedAt: fc.integer({ min: YEAR_BEGINS, max: YEAR_BEGINS + YEAR_MS }),
      isGroup: fc.constant(isGroup),
      subject: fc.record({ name: text, login: text, email: text }),
    }),
  });

/** Changes of people, of who is in groups, of groups, and of devices. */
export const oddChanges = {
  people: fc.oneof(
    { weight: 3, arbitrary: changes("users", false, someOf(person)) },
    { weight: 1, arbitrary: changes("users", false, someOf(membership)) },
  ),
  memberships: changes(
    "users",
    false,
    fc.tuple(oneGroup, someOf([...roles, single("is_admin", flag)])).map(([one, others]) => [one, ...others]),
  ),
  groups: changes("users", true, someOf(group)),
  devices: changes("devices", false, someOf(device)),
} as const;
