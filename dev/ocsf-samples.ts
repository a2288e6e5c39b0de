/**
 * Prints OCSF events as NDJSON, for a validator: `node dev/ocsf-samples.ts KIND [--count 2000] [--seed 1]`, where KIND is
 * `user`, `device`, `account_change`, `group_management` or `entity_management`. Of users and devices, half are from
 * simulated orgs, half from generated records that are as odd as a hostile Okta could send. Changes are all generated.
 */
import { parseArgs } from "node:util";
import * as fc from "fast-check";
import { type DeviceFacts, type EventContext, known, type UserFacts } from "../src/inventory/facts.ts";
import { changeEvent, deviceEvent, userEvent } from "../src/ocsf/index.ts";
import {
  parseAll,
  parseDevice,
  parseFactors,
  parseGroup,
  parseRoles,
  parseUser,
} from "../src/okta/records.ts";
import { type OddChange, oddChanges } from "../test/ocsf/odd-changes.ts";
import {
  ATTRIBUTES,
  anyContext,
  deviceFacts,
  oddDevice,
  oddUser,
  oddUserFacts,
} from "../test/ocsf/odd-records.ts";
import { nextPage } from "../test/support/pages.ts";
import { createOktaOrg, type OktaOrg } from "./okta-org/index.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});

/** The classes of changes, and the changes that become events of them. */
const CHANGES: ReadonlyMap<string, { readonly classUid: number; readonly from: fc.Arbitrary<OddChange> }> =
  new Map([
    ["account_change", { classUid: 3001, from: oddChanges.people }],
    ["group_management", { classUid: 3006, from: fc.oneof(oddChanges.memberships, oddChanges.groups) }],
    ["entity_management", { classUid: 3004, from: oddChanges.devices }],
  ]);

const [kind = ""] = positionals;
const count = Number(values.count);
const seed = Number(values.seed);
const half = Math.ceil(count / 2);
if (!["user", "device", ...CHANGES.keys()].includes(kind) || !(count > 0) || !Number.isInteger(seed)) {
  console.error(
    `Usage: node dev/ocsf-samples.ts user|device|${[...CHANGES.keys()].join("|")} [--count 2000] [--seed 1]`,
  );
  process.exit(2);
}

const ORGS = 4;
const READ_AT = Date.parse("2025-10-01T00:00:00.000Z");

const contextOf = (stream: "users" | "devices", assetId: string, index: number): EventContext => ({
  connection: "default",
  tenant: "example.okta.com",
  stream,
  assetId,
  sequence: index + 1,
  sequenceBase: 0,
  changedAt: READ_AT,
  deletedAt: index % 50 === 0 ? READ_AT : null,
  mfaIgnoredFactors: [],
  profileAttributes: ATTRIBUTES,
});

const readUser = (record: unknown) => parseUser(record, ATTRIBUTES);

const usersOf = (org: OktaOrg): UserFacts[] => {
  const dump = org.dump();
  const groups = new Map(
    dump.groups.flatMap((source) =>
      parseAll([source], parseGroup).records.map(({ id, name, description, type }) => {
        const roles = known(parseRoles(source.roles).records, READ_AT);
        return [id, { id, name, description, type, roles }] as const;
      }),
    ),
  );
  return dump.users.flatMap((source) =>
    parseAll([source], readUser).records.map((user) => ({
      user,
      groups: known(
        source.groups.flatMap((id) => groups.get(id) ?? []),
        READ_AT,
      ),
      factors: known(parseFactors(source.factors).records, READ_AT),
      roles: known(parseRoles(source.roles).records, READ_AT),
    })),
  );
};

/** Reads devices through the API, because only its list contains the linked users of a device. */
const devicesOf = async (org: OktaOrg): Promise<DeviceFacts[]> => {
  const found: DeviceFacts[] = [];
  let next: string | null = "https://example.okta.com/api/v1/devices?limit=200&expand=userSummary";
  while (next !== null) {
    const response: Response = await org.fetch(
      new Request(next, { headers: { authorization: "SSWS sim-token" } }),
    );
    const page: unknown = await response.json();
    if (!Array.isArray(page)) throw new Error(`devices: ${response.status} ${JSON.stringify(page)}`);
    found.push(...parseAll(page, parseDevice).records.map((device) => ({ device })));
    next = nextPage(response);
  }
  return found;
};

const orgs = Array.from({ length: CHANGES.has(kind) ? 0 : ORGS }, (_, index) => {
  const size = Math.ceil(half / ORGS);
  return createOktaOrg({
    users: kind === "user" ? size : 50,
    devices: kind === "device" ? size : 0,
    groups: 30,
    seed: index + seed,
    limits: "none",
  });
});

/** Readable records from an arbitrary that also makes unreadable ones. The same seed makes the same records. */
const readable = <T>(
  records: fc.Arbitrary<unknown>,
  read: (page: readonly unknown[]) => { records: readonly T[] },
): T[] =>
  fc
    .sample(records, { numRuns: half * 2, seed })
    .flatMap((record) => read([record]).records)
    .slice(0, half);

const print = (event: object): void => console.log(JSON.stringify(event));

const changes = CHANGES.get(kind);

if (changes !== undefined) {
  // Some changes become events of another class: whoever joins a group without a name, for example.
  fc.sample(changes.from, { numRuns: 2 * count, seed })
    .map(({ change, context }) => changeEvent(change, context))
    .filter(({ class_uid }) => class_uid === changes.classUid)
    .slice(0, count)
    .forEach(print);
} else if (kind === "user") {
  orgs.flatMap(usersOf).forEach((facts, index) => {
    print(userEvent(facts, contextOf("users", facts.user.id, index), "ocsf"));
  });
  readable(oddUser, (page) => parseAll(page, readUser)).forEach((user, index) => {
    const odd = fc.tuple(oddUserFacts(user), anyContext("users", user.id));
    for (const [facts, context] of fc.sample(odd, { numRuns: 1, seed: index })) {
      print(userEvent(facts, context, "ocsf"));
    }
  });
} else {
  (await Promise.all(orgs.map(devicesOf))).flat().forEach((facts, index) => {
    print(deviceEvent(facts, contextOf("devices", facts.device.id, index), "ocsf"));
  });
  readable(oddDevice, (page) => parseAll(page, parseDevice)).forEach((device, index) => {
    for (const context of fc.sample(anyContext("devices", device.id), { numRuns: 1, seed: index })) {
      print(deviceEvent(deviceFacts(device), context, "ocsf"));
    }
  });
}
