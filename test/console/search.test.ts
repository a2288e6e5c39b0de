import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { InventorySummary, SearchResults } from "../../src/contract/inventory-documents.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { call, createOrg, sync, type TestOrg } from "../support/org.ts";

const CONNECTION = "t19";

afterEach(() => reset());

const find = async (query: string, stream: StreamName = "users"): Promise<SearchResults> => {
  const response = await call(CONNECTION, "GET", `/v1/inventory/${stream}/search?${query}`);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
};

/** All that fits, along `next`. */
const ids = async (query: string, stream: StreamName = "users"): Promise<string[]> => {
  const all: string[] = [];
  for (let after: string | number = 0; ; ) {
    const { results, next }: SearchResults = await find(`${query}&limit=7&after=${after}`, stream);
    all.push(...results.map(({ id }) => id));
    if (next === null) return all.sort();
    after = next;
  }
};

const summary = async <S extends StreamName>(stream: S): Promise<Extract<InventorySummary, { stream: S }>> =>
  (await call(CONNECTION, "GET", `/v1/inventory/${stream}/summary`)).json();

const addUser = (org: TestOrg, id: string, profile: object) =>
  org.change("POST", "/users", { id, profile, status: "ACTIVE" });

describe("people", () => {
  test("are found by the beginning of any name, without case and accents, by id, login and e-mail", async () => {
    const org = await createOrg(CONNECTION, { users: 3 });
    await addUser(org, "00uBerg", {
      login: "zoe.vanderberg@acme.test",
      email: "zoe@mail.acme.test",
      firstName: "Zoë",
      lastName: "van der Berg",
      employeeNumber: "E-4711",
    });
    await addUser(org, "00uHost", {
      login: "host@acme.test",
      email: "host@acme.test",
      firstName: '<img src=x onerror="alert(1)">',
      lastName: "\u202Egnp.exe\u202C",
      displayName: `"'*%_ OR ${"long ".repeat(400)}`,
    });
    await sync(CONNECTION);
    for (const q of [
      "zoe",
      "ZOË van",
      "berg",
      "zoe.vanderberg@acme.test",
      "zoe@mail",
      "00uberg",
      "e-4711",
      "4711 be",
    ]) {
      expect([q, await ids(`q=${encodeURIComponent(q)}`)]).toEqual([q, ["00uBerg"]]);
    }
    for (const q of ["oe", "zoe erg", "nobody-at-all", "''", '"', "*", "😀", "𞤀", "a𞤀b"]) {
      expect([q, await ids(`q=${encodeURIComponent(q)}`)]).toEqual([q, []]);
    }
    expect(await ids(`q=${encodeURIComponent("onerror gnp long")}`)).toEqual(["00uHost"]);
  });

  test("who change are found by what they are now, and a deleted one says so", async () => {
    const org = await createOrg(CONNECTION, { users: 12 });
    await addUser(org, "00uNew", {
      login: "maiden@acme.test",
      email: "maiden@acme.test",
      lastName: "Maiden",
    });
    await sync(CONNECTION);
    await org.change("PATCH", "/users/00uNew", { profile: { lastName: "Marriedname" } });
    await sync(CONNECTION, "full");
    expect(await ids("q=marriedname")).toEqual(["00uNew"]);
    expect(await ids("q=maiden")).toEqual(["00uNew"]);
    expect(await ids("q=maiden%20marriedname")).toEqual(["00uNew"]);
    await org.change("POST", "/users/00uNew/deactivate");
    await org.change("POST", "/users/00uNew/delete");
    await sync(CONNECTION, "full");
    const { results } = await find("q=marriedname");
    expect(results).toMatchObject([{ id: "00uNew", deleted: true }]);
    expect(await ids("q=marriedname&deleted=false")).toEqual([]);
    expect(await ids("deleted=true")).toEqual(["00uNew"]);
    expect(await ids("status=ACTIVE")).not.toContain("00uNew");
  });

  test("whoever is named exactly comes first", async () => {
    const org = await createOrg(CONNECTION, { users: 0 });
    for (let n = 0; n < 30; n++) {
      await addUser(org, `00u${n + 100}`, {
        login: `mary${n}@acme.test`,
        email: "x@acme.test",
        firstName: "Mary",
      });
    }
    await addUser(org, "00uExact", { login: "mary@acme.test", email: "y@acme.test" });
    await sync(CONNECTION);
    const { results, next } = await find("q=mary@acme.test&limit=5");
    expect(results[0]).toMatchObject({ id: "00uExact" });
    expect(next).not.toBeNull();
    expect(results.length).toBeLessThanOrEqual(6);
  });

  test("are counted and listed alike: status, MFA, roles and groups as the org has them", async () => {
    const org = await createOrg(CONNECTION, { users: 150, groups: 12, devices: 0 });
    await sync(CONNECTION);
    const dump = await org.dump();
    const totals = await summary("users");
    const live = dump.users.filter(({ status }) => status !== "DEPROVISIONED");
    const active = <T extends { status: string }>(list: readonly T[]) =>
      list.filter(({ status }) => status === "ACTIVE");
    const groupsWithRoles = new Set(
      dump.groups.filter(({ roles }) => active(roles).length > 0).map(({ id }) => id),
    );
    const isAdmin = (user: (typeof dump.users)[number]) =>
      active(user.roles).length > 0 || user.groups.some((id) => groupsWithRoles.has(id));
    const idsOf = (users: typeof dump.users) => users.map(({ id }) => id).sort();
    const without = live.filter(({ factors }) => active(factors).length === 0);
    const admins = dump.users.filter(isAdmin);
    const byStatus: Record<string, number> = {};
    for (const { status } of dump.users) byStatus[status] = (byStatus[status] ?? 0) + 1;

    expect(totals).toMatchObject({
      total: dump.users.length,
      deleted: 0,
      by_status: byStatus,
      mfa: { enrolled: live.length - without.length, not_enrolled: without.length, unknown: 0 },
      admins: { total: admins.length, without_mfa: admins.filter((user) => without.includes(user)).length },
      unknown: {},
    });
    expect(without.length * admins.length).toBeGreaterThan(0);
    expect(await ids("mfa=not_enrolled")).toEqual(idsOf(without));
    expect(await ids("admin=true")).toEqual(idsOf(admins));
    expect(await ids("admin=true&mfa=enrolled")).toEqual(
      idsOf(admins.filter((user) => !without.includes(user))),
    );
    const kinds = new Set(["webauthn", "u2f", "signed_nonce"]);
    const resistant = live.filter(({ factors }) =>
      active(factors).some(({ factorType }) => kinds.has(factorType)),
    );
    expect(resistant.length).toBeGreaterThan(0);
    expect(await ids("phishing_resistant=true")).toEqual(idsOf(resistant));
    expect(await ids("phishing_resistant=false")).toEqual(
      idsOf(live.filter((user) => !resistant.includes(user))),
    );
    expect(await ids("phishing_resistant=unknown")).toEqual([]);
    expect(await ids("phishing_resistant=false&mfa=enrolled&admin=true")).toEqual(
      idsOf(
        admins.filter((user) => live.includes(user) && !without.includes(user) && !resistant.includes(user)),
      ),
    );
    expect(await ids("phishing_resistant=true&mfa=not_enrolled")).toEqual([]);
    expect(await ids("status=SUSPENDED")).toEqual(
      idsOf(dump.users.filter(({ status }) => status === "SUSPENDED")),
    );
    const group = dump.groups.find(
      ({ id, type }) => type !== "BUILT_IN" && dump.users.some((u) => u.groups.includes(id)),
    );
    expect(await ids(`group=${group?.id}`)).toEqual(
      idsOf(dump.users.filter((u) => u.groups.includes(group?.id ?? ""))),
    );
    const { groups } = await find(`q=${encodeURIComponent(String(group?.profile.name))}`);
    expect(groups.map(({ id }) => id)).toContain(group?.id);
    expect(await ids("platform=Windows")).toEqual([]);
  });

  test("a text of any length and of any letters is an answer, never an error", async () => {
    await createOrg(CONNECTION, { users: 3, groups: 3 });
    await sync(CONNECTION);
    const newerThanTheIndex = "a\u19b0b \u19c8 \u1cf2x";
    for (const q of ["x".repeat(49), "x".repeat(200), "é".repeat(100), "%".repeat(60), newerThanTheIndex]) {
      const found = { results: [], groups: [], groups_total: 0, groups_next: null, total: 0, next: null };
      expect([q, await find(`q=${encodeURIComponent(q)}`)]).toEqual([q, found]);
      expect([q, await find(`q=${encodeURIComponent(q)}`, "devices")]).toEqual([q, found]);
    }
  });

  test("groups are found by any part of their name or description, without case and accents, or by id", async () => {
    const org = await createOrg(CONNECTION, { users: 0, groups: 0 });
    const long = `Équipe d'Accès à Distance ${"très ".repeat(20)}longue`;
    const groups = [
      { id: "00gAscii", profile: { name: "VPN Users", description: 'May use the "VPN"' } },
      { id: "00gLong", profile: { name: long, description: "" } },
      { id: "00gPercent", profile: { name: "100%_done\\ok", description: "Straßenbau Łódź" } },
    ];
    for (const group of groups) await org.change("POST", "/groups", group);
    await sync(CONNECTION);
    for (const [q, id] of [
      ["vpn us", "00gAscii"],
      ['use the "vpn"', "00gAscii"],
      ["ÉQUIPE D'ACCÈS", "00gLong"],
      ["equipe d'acces a distance", "00gLong"],
      [long.toUpperCase(), "00gLong"],
      ["100%_DONE\\", "00gPercent"],
      ["STRASSE", "00gPercent"],
      ["łódź", "00gPercent"],
      ["00gPercent", "00gPercent"],
    ] as const) {
      const found = await find(`q=${encodeURIComponent(q)}`);
      expect([q, found.groups.map((group) => group.id)]).toEqual([q, [id]]);
    }
    for (const q of ["100__done", "vpn%", "00gpercent", "description"]) {
      expect([q, (await find(`q=${encodeURIComponent(q)}`)).groups]).toEqual([q, []]);
    }
  });

  test("of whom something could not be read are counted and listed", async () => {
    const org = await createOrg(CONNECTION, { users: 20, groups: 2 });
    await org.restrict({ forbid: ["factors", "roles", "assignees", "groupRoles"] });
    await sync(CONNECTION);
    const totals = await summary("users");
    const dump = await org.dump();
    const live = dump.users.filter(({ status }) => status !== "DEPROVISIONED").map(({ id }) => id);
    expect(totals.unknown).toEqual({ factors: live.length, roles: dump.users.length });
    expect(totals.mfa).toEqual({ enrolled: 0, not_enrolled: 0, unknown: live.length });
    expect(totals.admins.total).toBe(0);
    expect(await ids("unknown=factors")).toEqual(live.sort());
    expect((await ids("unknown=roles")).length).toBe(dump.users.length);
    expect(await ids("mfa=unknown")).toEqual(live.sort());
    expect(await ids("phishing_resistant=unknown")).toEqual(live);
  });
});

describe("devices", () => {
  test("are found by name, serial number and the people they belong to, and counted", async () => {
    const org = await createOrg(CONNECTION, { users: 20, devices: 25 });
    await addUser(org, "00uOwner", {
      login: "owner@acme.test",
      email: "owner@acme.test",
      displayName: "Ola Nordmann",
    });
    await org.change("POST", "/devices", {
      id: "guoMine",
      profile: { displayName: "LAPTOP-OLA", platform: "MACOS", registered: true, serialNumber: "C02-XY12" },
      users: [{ userId: "00uOwner", managementStatus: "MANAGED" }],
    });
    await sync(CONNECTION, "full", "devices");
    for (const q of ["laptop-ola", "c02xy12 ", "c02 xy", "00uOwner", "owner@acme.test", "guomine"]) {
      const wanted = q === "c02xy12 " ? [] : ["guoMine"];
      expect([q, await ids(`q=${encodeURIComponent(q)}`, "devices")]).toEqual([q, wanted]);
    }
    const { results } = await find("q=guoMine", "devices");
    expect(results).toMatchObject([
      {
        stream: "devices",
        platform: "macOS",
        is_managed: true,
        users: [{ id: "00uOwner", login: "owner@acme.test" }],
      },
    ]);
    const totals = await summary("devices");
    expect(totals.total).toBe(26);
    const platforms = Object.entries(totals.by_platform);
    expect(platforms.reduce((sum, [, n]) => sum + n, 0)).toBe(26);
    for (const [platform, n] of platforms) {
      expect((await ids(`platform=${encodeURIComponent(platform)}`, "devices")).length).toBe(n);
    }
    const { managed, not_managed, unknown } = totals.by_management;
    expect(managed + not_managed + unknown).toBe(26);
    expect((await ids("managed=true", "devices")).length).toBe(managed);
    expect((await ids("managed=unknown", "devices")).length).toBe(unknown);
    expect((await ids("compliance=UNKNOWN", "devices")).length).toBe(totals.by_compliance["UNKNOWN"]);
    expect(await ids("admin=true", "devices")).toEqual([]);
  });
});
