/** Posture of a simulated org through the API, against what follows from the org's own dump. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { DumpDevice } from "../../dev/okta-org/org/types.ts";
import type { SearchResults } from "../../src/contract/inventory-documents.ts";
import type { PostureDocument } from "../../src/contract/posture.ts";
import { syncAndCopy } from "../support/copies.ts";
import { call, createOrg, type DumpUser, type OrgDump, sync, type TestOrg } from "../support/org.ts";
import { seeds } from "../support/seeds.ts";

afterEach(() => reset());

const DAY = 86_400_000;

type Verdict = boolean | null;
const both = (a: Verdict, b: Verdict): Verdict =>
  a === false || b === false ? false : a === null ? null : b;
const not = (a: Verdict): Verdict => (a === null ? null : !a);

/** What cannot be read of whom, and what is known beside the dump. */
interface Hidden {
  readonly factors: ReadonlySet<string>;
  /** Whether nobody can tell who has roles. */
  readonly roles: boolean;
  /** Who has joined a group that gives a role, seen while it happened. */
  readonly joined: ReadonlySet<string>;
  readonly excepted: ReadonlySet<string>;
}

const WEAK = ["sms", "call", "email", "question"];
const RESISTANT = ["webauthn", "u2f", "signed_nonce"];

const isAdminIn = ({ roles }: DumpUser, hidden: Hidden): Verdict =>
  hidden.roles ? null : roles.some(({ status }) => status === "ACTIVE");

/** For each check about users: whom it is about, and what it says. */
const userVerdicts = (person: DumpUser, hidden: Hidden, now: number): Readonly<Record<string, Verdict>> => {
  const factors = hidden.factors.has(person.id)
    ? null
    : person.factors.filter(({ status }) => status === "ACTIVE");
  const admin = isAdminIn(person, hidden);
  const mfa = factors && factors.length > 0;
  const isActive = person.status === "ACTIVE";
  const isOlder = (at: string | null, days: number) =>
    at !== null && Math.floor(Date.parse(at) / 1000) * 1000 < now - days * DAY;
  const isNew = (at: string, days: number) => Date.parse(at) >= now - days * DAY;
  const got =
    person.roles.some(({ status, created }) => status === "ACTIVE" && isNew(created, 7)) ||
    hidden.joined.has(person.id);
  return {
    admin_without_mfa: both(admin, not(mfa)),
    admin_without_phishing_resistant_mfa: both(
      admin,
      not(factors === null ? null : factors.some(({ factorType }) => RESISTANT.includes(factorType))),
    ),
    weak_mfa_only:
      factors && factors.length > 0 && factors.every(({ factorType }) => WEAK.includes(factorType)),
    new_factor_24h: factors === null ? null : factors.some(({ created }) => isNew(created, 1)),
    new_admin_7d: both(admin, admin === null ? null : got),
    locked_out: person.status === "LOCKED_OUT",
    suspended_admin: both(person.status === "SUSPENDED", admin),
    ...(isActive && {
      active_without_mfa: not(mfa),
      dormant_90d: isOlder(person.lastLogin, 90),
      dormant_admin_30d: both(isOlder(person.lastLogin, 30), admin),
      never_signed_in_30d: person.lastLogin === null && isOlder(person.created, 30),
      password_older_365d: isOlder(person.passwordChanged, 365),
    }),
  };
};

const deviceVerdicts = (
  { users, profile, lastUpdated }: DumpDevice,
  admins: ReadonlyMap<string, Verdict>,
  now: number,
): Readonly<Record<string, Verdict>> => {
  const links = users.map(({ managementStatus }) => managementStatus);
  const byLinks = links.includes("MANAGED")
    ? true
    : links.length > 0 && links.every((status) => status === "NOT_MANAGED")
      ? false
      : null;
  const isManaged = typeof profile["managed"] === "boolean" ? profile["managed"] : byLinks;
  const owners = users.map(({ userId }) => admins.get(userId) ?? (admins.has(userId) ? null : false));
  const isOfAdmin = owners.includes(true) ? true : owners.includes(null) ? null : false;
  return {
    device_unmanaged: not(isManaged),
    device_of_admin_unmanaged: both(isOfAdmin, not(isManaged)),
    device_not_seen_90d: Math.floor(Date.parse(lastUpdated) / 1000) * 1000 < now - 90 * DAY,
  };
};

interface Tally {
  count: number;
  unknown: number;
  excepted: number;
  population: number;
  ids: string[];
}

const expectedOf = (dump: OrgDump, hidden: Hidden, now: number): Readonly<Record<string, Tally>> => {
  const tallies: Record<string, Tally> = {};
  const add = (id: string, verdicts: Readonly<Record<string, Verdict>>) => {
    for (const [check, verdict] of Object.entries(verdicts)) {
      tallies[check] ??= { count: 0, unknown: 0, excepted: 0, population: 0, ids: [] };
      const tally = tallies[check];
      const isExcepted = check === "admin_without_mfa" && hidden.excepted.has(id);
      tally.population += 1;
      if (verdict === true && isExcepted) tally.excepted += 1;
      else if (verdict === true) tally.ids.push(id);
      else if (verdict === null && !isExcepted) tally.unknown += 1;
      tally.count = tally.ids.length;
    }
  };
  for (const person of dump.users)
    if (person.status !== "DEPROVISIONED") add(person.id, userVerdicts(person, hidden, now));
  const admins = new Map(dump.users.map((person) => [person.id, isAdminIn(person, hidden)]));
  for (const device of dump.devices)
    if (device.status === "ACTIVE") add(device.id, deviceVerdicts(device, admins, now));
  return tallies;
};

/** All ids of a list, page by page, with its totals. */
const listOf = async (connection: string, path: string) => {
  const ids: string[] = [];
  const totals = new Set<number>();
  for (let after: number | string | null = 0; after !== null; ) {
    const response = await call(connection, "GET", `${path}&limit=100&after=${after}`);
    const page: SearchResults = await response.json();
    ids.push(...page.results.map(({ id }) => id));
    totals.add(page.total);
    after = page.next;
  }
  return { ids: ids.sort(), totals: [...totals] };
};

const postureOf = async (connection: string, query = ""): Promise<PostureDocument> => {
  const response = await call(connection, "GET", `/v1/posture${query}`);
  expect(response.status).toBe(200);
  return response.json();
};

const compare = async (org: TestOrg, hidden: Hidden, about: string): Promise<PostureDocument> => {
  const posture = await postureOf(org.connection);
  const expected = expectedOf(await org.dump(), hidden, Date.parse(posture.as_of));
  expect(posture.checks).toHaveLength(15);
  for (const { id, count, unknown, excepted, population, search } of posture.checks) {
    const { ids, ...counts } = expected[id] ?? { count: 0, unknown: 0, excepted: 0, population: 0, ids: [] };
    expect([about, id, { count, unknown, excepted, population }]).toEqual([about, id, counts]);
    expect([about, id, await listOf(org.connection, search)]).toEqual([
      about,
      id,
      { ids: ids.sort(), totals: [counts.count] },
    ]);
  }
  return posture;
};

const nothing: Hidden = { factors: new Set(), roles: false, joined: new Set(), excepted: new Set() };

/** Both streams, and what each keeps of the other. */
const syncAll = async (connection: string, kind: "full" | "delta"): Promise<void> => {
  // There must be something to tell before the other stream can be told of it.
  if (kind === "full") await sync(connection, "full", "users");
  await syncAndCopy(connection, "devices", kind);
  await syncAndCopy(connection, "users", "delta");
};

const memberships = ({ users }: OrgDump) =>
  new Map(users.map(({ id, groups }) => [id, new Set(groups)] as const));

describe("posture", () => {
  test.each(seeds(2))("of an org is what its dump says, through changes, seed %i", async (seed) => {
    const org = await createOrg("t4", {
      users: 260,
      groups: 20,
      devices: 120,
      seed,
      epoch: new Date().toISOString(),
    });
    await syncAll("t4", "full");
    const first = await org.dump();
    expect(first.users.length).toBeGreaterThan(200);
    const { checks } = await compare(org, nothing, "at first");
    // Otherwise there would be little to compare.
    expect(checks.filter(({ count }) => count > 0).length).toBeGreaterThan(8);
    await syncAll("t4", "delta");
    const joined = new Set<string>();
    let before = memberships(first);
    for (let round = 0; round < 4; round++) {
      await org.control("POST", "/churn", { changes: 40 });
      await syncAll("t4", "delta");
      const dump = await org.dump();
      const giving = dump.groups.filter(({ roles }) => roles.some(({ status }) => status === "ACTIVE"));
      for (const person of dump.users) {
        const had = before.get(person.id);
        const isNew = giving.some(
          ({ id }) => person.groups.includes(id) && had !== undefined && !had.has(id),
        );
        if (isNew) joined.add(person.id);
      }
      before = memberships(dump);
      await compare(org, { ...nothing, joined }, `round ${round}`);
    }
  });

  test("keeps apart what cannot be read", async () => {
    const org = await createOrg("t5", {
      users: 120,
      groups: 8,
      devices: 60,
      seed: 3,
      epoch: new Date().toISOString(),
    });
    const { users } = await org.dump();
    const hiddenFrom = users.filter((_, index) => index % 5 === 0).map(({ id }) => id);
    for (const id of hiddenFrom)
      await org.fault({
        kind: "403",
        match: { path: `/api/v1/users/${id}/factors` },
      });
    await syncAll("t5", "full");
    // Nobody who is DEPROVISIONED is asked for factors, and nobody of these is in any check.
    await compare(org, { ...nothing, factors: new Set(hiddenFrom) }, "factors");
  });

  test("says of nobody that is unknown who is an administrator, nor of any device", async () => {
    const org = await createOrg("t6", {
      users: 80,
      groups: 6,
      devices: 50,
      seed: 4,
      epoch: new Date().toISOString(),
    });
    await org.control("POST", "/restrict", { forbid: ["roles", "groupRoles", "assignees"] });
    await syncAll("t6", "full");
    await compare(org, { ...nothing, roles: true }, "roles");
  });

  test("counts apart the members of the groups that POSTURE_EXCEPTIONS names, until they end", async () => {
    const org = await createOrg("t7", {
      users: 60,
      groups: 4,
      devices: 0,
      seed: 5,
      epoch: new Date().toISOString(),
    });
    const { users } = await org.dump();
    const people = users.filter(({ status }) => status === "ACTIVE").slice(0, 4);
    for (const { id } of people) {
      await org.control("DELETE", `/users/${id}/factors`);
      await org.control("POST", `/users/${id}/roles`, { type: "SUPER_ADMIN" });
    }
    const excepted = people.slice(0, 3).map(({ id }) => id);
    await org.control("POST", "/groups", {
      id: "00gBreakGlass",
      profile: { name: "Break glass", description: null },
      members: excepted,
    });
    await sync("t7", "full", "users");
    const { checks } = await postureOf("t7");
    const check = checks.find(({ id }) => id === "admin_without_mfa");
    expect(check).toMatchObject({
      excepted: 3,
      exceptions: [
        { group_id: "00gBreakGlass", group: "Break glass", until: null, reason: "Break-glass accounts" },
      ],
    });
    expect(checks.find(({ id }) => id === "active_without_mfa")).toMatchObject({
      excepted: 0,
      exceptions: [],
    });
    const ids = (await listOf("t7", check?.search ?? "")).ids;
    expect(ids).toContain(people[3]?.id);
    for (const id of excepted) expect(ids).not.toContain(id);
    expect(ids).toHaveLength(check?.count ?? Number.NaN);
    // Of devices, nothing was ever read.
    expect(checks.find(({ id }) => id === "device_unmanaged")).toMatchObject({ count: 0, population: 0 });
  });

  test("has its trend when it is asked for, and its gauges in the metrics", async () => {
    await createOrg("t8", {
      users: 30,
      groups: 3,
      devices: 5,
      seed: 6,
      epoch: new Date().toISOString(),
    });
    expect((await postureOf("t8", "?include=trend")).checks.every(({ trend }) => trend?.length === 0)).toBe(
      true,
    );
    await syncAll("t8", "full");
    const { checks } = await postureOf("t8", "?include=trend");
    const metrics = await (await call("t8", "GET", "/metrics")).text();
    const day = new Date().toISOString().slice(0, 10);
    for (const { id, stream, severity, count, unknown, excepted, population, trend } of checks) {
      const labels = `{connection="t8",stream="${stream}",check="${id}",severity="${severity}"}`;
      if (id !== "device_of_admin_unmanaged")
        expect(trend).toEqual([{ day, count, unknown, excepted, population }]);
      const [point] = trend ?? [];
      expect(metrics).toContain(`okta_edge_posture_count${labels} ${point?.count}\n`);
      expect(metrics).toContain(`okta_edge_posture_unknown${labels} ${point?.unknown}\n`);
    }
    expect((await postureOf("t8")).checks.some((check) => "trend" in check)).toBe(false);
  });

  test.each([
    ["/v1/posture?include=all", "query.include"],
    ["/v1/posture?check=x", "query.check"],
    ["/v1/inventory/users/search?posture=bad_hair", "query.posture"],
  ])("%s is refused by name", async (path, field) => {
    const response = await call("t9", "GET", path);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ field }] });
  });

  test("a check of the other stream finds nothing", async () => {
    await createOrg("t10", { users: 20, groups: 2, devices: 5, seed: 7 });
    await sync("t10", "full", "users");
    expect(await listOf("t10", "/v1/inventory/users/search?posture=device_unmanaged")).toEqual({
      ids: [],
      totals: [0],
    });
  });
});
