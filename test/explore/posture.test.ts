/**
 * Posture against a model: random people and devices of whom random facts are unknown, changed at random while time passes.
 * What each check must say is worked out from the facts of each asset by itself, as the checks' titles have it.
 */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import type { PostureException } from "../../src/config/posture-exceptions.ts";
import { type CheckId, postureChecks } from "../../src/contract/posture.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { Explorer } from "../../src/explore/explorer.ts";
import { marksMigration } from "../../src/inventory/asset-marks.ts";
import type { UserFacts } from "../../src/inventory/facts.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import type { Reading } from "../../src/inventory/readings.ts";
import { migrate, migrations } from "../../src/inventory/schema.ts";
import type { OktaDevice, OktaRole } from "../../src/okta/records.ts";
import { streams } from "../../src/streams/index.ts";
import { EVERYONE, group, NOW, user } from "../inventory/support.ts";
import { seeds } from "../support/seeds.ts";

afterEach(() => reset());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const pick = <T>(random: Random, ...values: readonly T[]): T => values[random.int(values.length)] as T;
const iso = (ms: number): string => new Date(ms).toISOString();

type Verdict = boolean | null;
const both = (a: Verdict, b: Verdict): Verdict =>
  a === false || b === false ? false : a === null ? null : b;
const not = (a: Verdict): Verdict => (a === null ? null : !a);

const USERS = Array.from({ length: 14 }, (_, n) => `00u${n}`);
const GROUPS = ["00g1", "00g2"];
const IGNORED = ["question"];
const WEAK = ["sms", "call", "email", "question"];
const RESISTANT = ["webauthn", "u2f", "signed_nonce"];

/** A time so long ago that it is near one of the checks' bounds, or anywhere. */
const past = (random: Random, now: number): string =>
  iso(now - pick(random, 0, 1, 7, 30, 90, 365, random.int(500)) * DAY + (random.int(7) - 3) * HOUR);

/** @param holder no two holders have one assignment */
const rolesOf = (random: Random, now: number, assignmentType: string, holder: string): Reading => ({
  value: JSON.stringify(
    Array.from({ length: random.int(3) }, (_, n) => ({
      id: `${holder}-${n}`,
      type: "ORG_ADMIN",
      label: "Organization Administrator",
      status: pick(random, "ACTIVE", "ACTIVE", "INACTIVE"),
      assignmentType,
      created: past(random, now),
    })),
  ),
});
const factorsOf = (random: Random, now: number): Reading => ({
  value: JSON.stringify(
    Array.from({ length: random.int(3) }, (_, n) => ({
      id: `f${n}`,
      factorType: pick(random, "push", "sms", "question", "webauthn", "email"),
      provider: "OKTA",
      status: pick(random, "ACTIVE", "ACTIVE", "PENDING_ACTIVATION"),
      created: pick(random, past(random, now), null),
      lastUpdated: null,
    })),
  ),
});

interface World {
  readonly inventory: Inventory;
  readonly explorer: Explorer;
  readonly random: Random;
  readonly storage: DurableObjectStorage;
  readonly now: () => number;
  readonly pass: (ms: number) => void;
}

const within = (stream: StreamName, seed: number, work: (world: World) => void): Promise<void> =>
  runInDurableObject(env.INVENTORY_STREAM.getByName(`t5/${stream}`), (_, { storage }) => {
    let now = NOW;
    migrate(storage);
    const inventory = new Inventory(storage.sql, () => now);
    work({
      inventory,
      storage,
      explorer: new Explorer(streams[stream], storage.sql, inventory, () => now),
      random: createRandom(seed, "posture"),
      now: () => now,
      pass: (ms) => {
        now += ms;
      },
    });
  });

/** Makes the database one of the version before marks. */
const withoutMarks = ({ sql }: DurableObjectStorage): void => {
  for (const [type, names] of [
    ["TRIGGER", ["marks_removed", "marked_emptied"]],
    ["INDEX", ["search_by_marks", "search_by_marks_until"]],
    ["TABLE", ["marked", "new_admins", "posture_days"]],
  ] as const)
    for (const name of names) sql.exec(`DROP ${type} ${name}`);
  for (const column of ["marks", "marks_until"]) sql.exec(`ALTER TABLE search_keys DROP COLUMN ${column}`);
  sql.exec("DELETE FROM _migrations WHERE n = ?", migrations.indexOf(marksMigration) + 1);
};

/** All ids that the list of a check has, page by page, and the total that its pages tell. */
const listed = (
  explorer: Explorer,
  posture: CheckId,
  limit: number,
  sort: "name" | "last_login" | undefined,
  exceptions: readonly PostureException[],
) => {
  const ids: string[] = [];
  const totals = new Set<number>();
  for (let after: number | string = 0; ; ) {
    const page = explorer.search({ posture, after, limit, ...(sort && { sort }) }, IGNORED, exceptions);
    ids.push(...page.results.map(({ id }) => id));
    totals.add(page.total);
    if (page.next === null) return { ids, totals: [...totals] };
    after = page.next;
  }
};

interface Said {
  readonly id: string;
  readonly isAbout: boolean;
  readonly verdict: Verdict;
  readonly isExcepted: Verdict;
}

const tally = (said: readonly Said[]) => {
  const about = said.filter(({ isAbout }) => isAbout);
  const ids = about.filter(({ verdict, isExcepted }) => both(verdict, not(isExcepted)) === true);
  return {
    ids: ids.map(({ id }) => id).sort(),
    counts: {
      count: ids.length,
      unknown: about.filter(({ verdict, isExcepted }) => both(verdict, not(isExcepted)) === null).length,
      excepted: about.filter(({ verdict, isExcepted }) => both(verdict, isExcepted) === true).length,
      population: about.length,
    },
  };
};

/** Posture and its lists must say what is expected of each asset. */
const compare = (
  { explorer, random }: World,
  stream: StreamName,
  say: (check: CheckId) => readonly Said[],
  about: string,
  exceptions: readonly PostureException[] = [],
): void => {
  const { checks } = explorer.posture(IGNORED, exceptions, false);
  const ids = postureChecks.filter((check) => check.stream === stream).map(({ id }) => id);
  expect(Object.keys(checks).sort()).toEqual([...ids].sort());
  for (const id of ids) {
    const expected = tally(say(id));
    expect([about, id, checks[id]]).toEqual([about, id, expected.counts]);
    const sort = pick(random, undefined, undefined, "name" as const, "last_login" as const);
    const found = listed(explorer, id, 1 + random.int(5), sort, exceptions);
    expect([about, id, sort, found.ids.sort()]).toEqual([about, id, sort, expected.ids]);
    expect([about, id, found.totals]).toEqual([about, id, [expected.counts.count]]);
  }
};

const act = ({ random, inventory, now, pass }: World): void => {
  const { admins, assets, factors, groups, memberships, userGroups } = inventory;
  const at = now();
  const userId = pick(random, ...USERS);
  const groupId = pick(random, ...GROUPS);
  const some = () => USERS.filter(() => random.int(3) === 0);
  const refused = { reason: pick(random, "forbidden", "failed", "pending") } as const;
  const org = pick(random, { at, reason: null }, { at, reason: null }, {
    at,
    reason: "failed",
    failedAt: at,
  } as const);
  const roles = (holder: string, assignmentType = "GROUP") =>
    random.int(4) === 0 ? refused : rolesOf(random, at, assignmentType, holder);
  const acts: readonly (() => unknown)[] = [
    () =>
      assets.file(
        some().map((id) =>
          user(id, {
            status: pick(random, "ACTIVE", "ACTIVE", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED", "STAGED"),
            created: pick(random, past(random, at), null),
            lastLogin: pick(random, past(random, at), null),
            passwordChanged: pick(random, past(random, at), null),
          }),
        ),
      ),
    () => inventory.setLastLogin(userId, iso(at)),
    () => inventory.bury(inventory.users, userId),
    () =>
      factors.setOf(
        some().map((id) => ({
          userId: id,
          readAt: at,
          reading: random.int(4) === 0 ? refused : factorsOf(random, at),
        })),
      ),
    () => factors.refuse("forbidden", { triedBefore: at, dueBefore: at - random.int(30) * DAY }),
    () => groups.file(group(groupId, { stats: { usersCount: 1, hasAdminPrivilege: random.int(3) > 0 } })),
    () => groups.setRoles(groupId, roles(groupId), at),
    () => groups.setRoles(EVERYONE.id, random.int(2) === 0 ? { value: "[]" } : roles(EVERYONE.id), at),
    () => groups.setEveryoneHoldsDeprovisioned(random.int(2) === 0),
    () => memberships.addMembers(groupId, some(), at),
    () => memberships.removeMember(groupId, userId),
    () => userGroups.setRead(userId, pick(random, null, "failed", "forbidden"), false, at),
    () => inventory.setGroupsKnown(org),
    () => admins.setOrg(org),
    () => admins.setRoles(userId, roles(userId, pick(random, "USER", "GROUP")), at),
    () => pass(random.int(40) * DAY),
    () => pass(random.int(30) * HOUR),
  ];
  pick(random, ...acts)();
};

const begin = ({ inventory, random, now }: World): void => {
  inventory.groups.file(EVERYONE);
  for (const id of GROUPS) inventory.groups.file(group(id));
  inventory.groups.setRoles(EVERYONE.id, { value: "[]" }, now());
  inventory.setGroupsKnown({ at: now(), reason: null });
  inventory.admins.setOrg({ at: now(), reason: null });
  inventory.assets.file(USERS.map((id) => user(id, { created: past(random, now()) })));
};

describe("posture of users", () => {
  const isActive = ({ status }: { readonly status: string }) => status === "ACTIVE";

  /** What the titles say of somebody of whom this is known. */
  const verdictOf = (
    check: CheckId,
    { user: it, factors, roles, groups }: UserFacts,
    now: number,
  ): Verdict => {
    const active = factors.state === "known" ? factors.value.filter(isActive) : null;
    const counting = active?.filter(({ factorType }) => !IGNORED.includes(factorType)) ?? null;
    const sureRoles: readonly OktaRole[] =
      roles.state === "known"
        ? roles.value.filter(isActive)
        : [
            ...(roles.certain ?? []),
            ...(groups.state === "known"
              ? groups.value.flatMap((one) => (one.roles.state === "known" ? one.roles.value : []))
              : []),
          ].filter(isActive);
    const isAdmin: Verdict = sureRoles.length > 0 ? true : roles.state === "known" ? false : null;
    const hasMfa = counting && counting.length > 0;
    const isOlder = (at: string | null, days: number) => at !== null && Date.parse(at) < now - days * DAY;
    const isNew = (at: string | null | undefined, ms: number): Verdict =>
      at == null ? null : Date.parse(at) >= now - ms;
    switch (check) {
      case "admin_without_mfa":
        return both(isAdmin, not(hasMfa));
      case "admin_without_phishing_resistant_mfa":
        return both(
          isAdmin,
          not(counting === null ? null : counting.some(({ factorType }) => RESISTANT.includes(factorType))),
        );
      case "active_without_mfa":
        return not(hasMfa);
      case "weak_mfa_only":
        return (
          counting && counting.length > 0 && counting.every(({ factorType }) => WEAK.includes(factorType))
        );
      case "new_factor_24h": {
        if (active === null) return null;
        const dates = active.map(({ created }) => isNew(created, DAY));
        return dates.includes(true) ? true : dates.includes(null) ? null : false;
      }
      case "new_admin_7d": {
        const isSure = sureRoles.some(({ created }) => isNew(created, 7 * DAY) === true);
        return both(isAdmin, isSure ? true : roles.state === "known" ? false : null);
      }
      case "dormant_90d":
        return isOlder(it.lastLogin, 90);
      case "dormant_admin_30d":
        return both(isOlder(it.lastLogin, 30), isAdmin);
      case "never_signed_in_30d":
        return it.lastLogin === null && (it.created === null ? null : isOlder(it.created, 30));
      case "password_older_365d":
        return isOlder(it.passwordChanged, 365);
      case "locked_out":
        return it.status === "LOCKED_OUT";
      case "suspended_admin":
        return both(it.status === "SUSPENDED", isAdmin);
      default:
        throw new Error(`${check} is about devices`);
    }
  };
  const ACTIVE_ONLY = /^(active|dormant|never|password)_/;

  const isIn = ({ groups }: UserFacts, ids: readonly string[]): Verdict => {
    const isMember = (of: readonly { readonly id: string }[]) => of.some(({ id }) => ids.includes(id));
    if (groups.state === "known") return isMember(groups.value);
    // A member who has not been read yet is one all the same.
    return groups.reason === "pending" && groups.last !== undefined && isMember(groups.last.value)
      ? true
      : null;
  };

  test.each(seeds(6))("is what its titles say of everybody, through changes, seed %i", (seed) =>
    within("users", seed, (world) => {
      const { inventory, now } = world;
      begin(world);
      for (let n = 0; n < 120; n++) {
        act(world);
        const at = now();
        const people = USERS.flatMap((id) => inventory.users.one(id) ?? []);
        compare(
          world,
          "users",
          (check) =>
            people.map(({ id, facts, deletedAt }) => ({
              id,
              isAbout:
                deletedAt === null &&
                (ACTIVE_ONLY.test(check)
                  ? facts.user.status === "ACTIVE"
                  : facts.user.status !== "DEPROVISIONED"),
              verdict: verdictOf(check, facts, at),
              isExcepted: false,
            })),
          `step ${n}`,
        );
      }
    }),
  );

  test.each(seeds(4))("counts apart who is excepted, and not whose groups are unknown, seed %i", (seed) =>
    within("users", seed, (world) => {
      const { inventory, now, random } = world;
      begin(world);
      for (let n = 0; n < 60; n++) {
        act(world);
        const at = now();
        const exceptions = postureChecks.flatMap(({ id, stream }): readonly PostureException[] =>
          stream === "devices" || random.int(2) === 0
            ? []
            : [
                { check: id, groupId: pick(random, ...GROUPS, "00gNobody"), until: null, reason: "x" },
                { check: id, groupId: EVERYONE.id, until: at - 1, reason: "over" },
                { check: id, groupId: "00g2", until: pick(random, at, at + 1), reason: "y" },
              ],
        );
        const people = USERS.flatMap((id) => inventory.users.one(id) ?? []);
        compare(
          world,
          "users",
          (check) => {
            const ids = exceptions
              .filter((one) => one.check === check && (one.until === null || one.until > at))
              .map(({ groupId }) => groupId);
            return people.map(({ id, facts, deletedAt }) => ({
              id,
              isAbout:
                deletedAt === null &&
                (ACTIVE_ONLY.test(check)
                  ? facts.user.status === "ACTIVE"
                  : facts.user.status !== "DEPROVISIONED"),
              verdict: verdictOf(check, facts, at),
              isExcepted: ids.length === 0 ? false : isIn(facts, ids),
            }));
          },
          `step ${n}`,
          exceptions,
        );
      }
    }),
  );

  test("an exception of Everyone takes out all who are in it", () =>
    within("users", 1, (world) => {
      begin(world);
      const exceptions = [
        { check: "never_signed_in_30d" as const, groupId: EVERYONE.id, until: null, reason: "all" },
      ];
      world.pass(400 * DAY);
      const { checks } = world.explorer.posture(IGNORED, exceptions, false);
      expect(checks.never_signed_in_30d).toEqual({
        count: 0,
        unknown: 0,
        excepted: USERS.length,
        population: USERS.length,
      });
      expect(listed(world.explorer, "never_signed_in_30d", 5, undefined, exceptions)).toEqual({
        ids: [],
        totals: [0],
      });
    }));
});

describe("new administrators", () => {
  const GIVES: Reading = {
    value: JSON.stringify([
      {
        id: "ra1",
        type: "ORG_ADMIN",
        label: "Org",
        status: "ACTIVE",
        assignmentType: "GROUP",
        created: iso(NOW - 300 * DAY),
      },
    ]),
  };

  const counted = (world: World) => listed(world.explorer, "new_admin_7d", 10, undefined, []).ids;

  test("are those who were seen to join a group that has given a role for long, while they are in it", () =>
    within("users", 1, (world) => {
      const { inventory, pass, now } = world;
      inventory.groups.file(group("00g1", { stats: { usersCount: 1, hasAdminPrivilege: true } }));
      inventory.groups.setRoles("00g1", GIVES, NOW);
      inventory.assets.file([user("00u1"), user("00u2")]);
      inventory.memberships.addMembers("00g1", ["00u1"], NOW);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      inventory.admins.setOrg({ at: NOW, reason: null });
      expect(counted(world)).toEqual([]);
      inventory.history.begin();
      pass(HOUR);
      inventory.memberships.addMembers("00g1", ["00u2"], now());
      expect(counted(world)).toEqual(["00u2"]);
      pass(7 * DAY - HOUR);
      expect(counted(world)).toEqual(["00u2"]);
      inventory.memberships.removeMember("00g1", "00u2");
      expect(counted(world)).toEqual([]);
      inventory.memberships.addMembers("00g1", ["00u2"], now());
      expect(counted(world)).toEqual(["00u2"]);
      pass(8 * DAY);
      expect(counted(world)).toEqual([]);
    }));

  test("are those who were seen to get a role of which Okta does not say when it was assigned", () =>
    within("users", 1, (world) => {
      const { inventory, pass, now } = world;
      inventory.assets.file([user("00u1"), user("00u2")]);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      inventory.admins.setOrg({ at: NOW, reason: null });
      const role = { id: "ra1", type: "ORG_ADMIN", label: "Org", status: "ACTIVE", assignmentType: "USER" };
      inventory.admins.setRoles("00u1", { value: JSON.stringify([role]) }, NOW);
      inventory.history.begin();
      pass(HOUR);
      inventory.admins.setRoles("00u2", { value: JSON.stringify([role]) }, now());
      inventory.admins.setRoles("00u1", { value: JSON.stringify([role]) }, now());
      // Of the first one, nobody has seen since when: it was there when the history began.
      expect(counted(world)).toContain("00u2");
      pass(8 * DAY);
      expect(counted(world)).toEqual([]);
    }));
});

describe("posture of devices", () => {
  const DEVICES = Array.from({ length: 10 }, (_, n) => `guo${n}`);
  const OWNERS = USERS.slice(0, 6);

  const deviceOf = (random: Random, id: string, now: number): OktaDevice => ({
    id,
    status: pick(random, "ACTIVE", "ACTIVE", "ACTIVE", "SUSPENDED"),
    created: iso(NOW),
    lastUpdated: pick(random, past(random, now), null),
    lastSeen: pick(random, past(random, now), null),
    deviceType: null,
    managed: pick(random, true, false, null, null),
    complianceStatus: null,
    userId: pick(random, null, null, ...OWNERS),
    profile: { displayName: id },
    users: OWNERS.filter(() => random.int(4) === 0).map((owner) => ({
      id: owner,
      created: null,
      managementStatus: pick(random, "MANAGED", "NOT_MANAGED", null),
      screenLockType: null,
      login: null,
      email: null,
      firstName: null,
      lastName: null,
    })),
  });

  test.each(seeds(5))("is what its titles say of every device and its people, seed %i", (seed) =>
    within("devices", seed, (world) => {
      const { inventory, random, now, pass } = world;
      const { copy } = inventory;
      const administrators = new Map<string, true | null>();
      let sequence = 0;
      /** Who is an administrator, as the users stream tells it page by page. */
      const tell = (isLast: boolean): void => {
        const changed = OWNERS.filter(() => random.int(3) === 0);
        for (const id of changed) {
          const is = pick(random, true, null, false);
          if (is === false) administrators.delete(id);
          else administrators.set(id, is);
        }
        sequence += 1;
        const source = { inventory: "users", org: null, head: sequence, endedAt: now() };
        copy.take(
          {
            ...source,
            of: "users",
            administrators: changed.flatMap((id) => {
              const isAdmin = administrators.get(id);
              return isAdmin === undefined ? [] : [{ id, isAdmin, login: null, name: null }];
            }),
            gone: [...changed.filter((id) => !administrators.has(id)), "00uNobody"],
            last: sequence,
            more: !isLast,
          },
          now(),
        );
      };
      let isCopied = false;
      for (let n = 0; n < 100; n++) {
        pick<() => unknown>(
          random,
          () =>
            inventory.assets.file(
              DEVICES.filter(() => random.int(3) === 0).map((id) => deviceOf(random, id, now())),
            ),
          () => inventory.bury(inventory.devices, pick(random, ...DEVICES)),
          () => pass(random.int(60) * DAY),
          () => {
            if (copy.state === null) copy.begin("users", now());
            isCopied = isCopied || random.int(2) === 0;
            tell(isCopied);
          },
          () => {
            // Another inventory: the copy begins anew, and whoever was an administrator need not be one there.
            if (random.int(5) > 0) return;
            copy.begin("others", now());
            isCopied = false;
            administrators.clear();
            while (copy.clear());
          },
        )();
        const at = now();
        const devices = DEVICES.flatMap((id) => inventory.devices.one(id) ?? []);
        compare(
          world,
          "devices",
          (check) =>
            devices.map(({ id, facts: { device: it }, deletedAt }) => {
              const links = it.users.map(({ managementStatus }) => managementStatus);
              const byLinks = links.includes("MANAGED")
                ? true
                : links.length > 0 && links.every((status) => status === "NOT_MANAGED")
                  ? false
                  : null;
              const isManaged = it.managed ?? byLinks;
              const owners = [
                ...it.users.map((owner) => owner.id),
                ...(it.userId === null ? [] : [it.userId]),
              ];
              const are = owners.map(
                (owner) => administrators.get(owner) ?? (administrators.has(owner) ? null : false),
              );
              const isOfAdmin = !isCopied
                ? null
                : are.includes(true)
                  ? true
                  : are.includes(null)
                    ? null
                    : false;
              const seen = it.lastSeen ?? it.lastUpdated;
              const verdict: Verdict =
                check === "device_unmanaged"
                  ? not(isManaged)
                  : check === "device_of_admin_unmanaged"
                    ? both(isOfAdmin, not(isManaged))
                    : seen === null
                      ? null
                      : Date.parse(seen) < at - 90 * DAY;
              return {
                id,
                isAbout: deletedAt === null && it.status === "ACTIVE",
                verdict,
                isExcepted: false,
              };
            }),
          `step ${n}`,
        );
      }
    }),
  );
});

describe("an inventory of the version before", () => {
  test.each(seeds(3))("has the posture of what it holds, seed %i", (seed) =>
    within("users", seed, (world) => {
      const { inventory, explorer, storage, now } = world;
      begin(world);
      for (let n = 0; n < 60; n++) act(world);
      const { checks } = explorer.posture(IGNORED, [], false);
      const before = inventory.users.after(0, 100);
      const facts = [...before].map((one) => JSON.stringify(one));
      withoutMarks(storage);
      migrate(storage);
      const again = new Inventory(storage.sql, now);
      expect([...again.users.after(0, 100)].map((one) => JSON.stringify(one))).toEqual(facts);
      const after = new Explorer(streams.users, storage.sql, again, now);
      expect(after.posture(IGNORED, [], false).checks).toEqual(checks);
      for (const [id, counts] of Object.entries(checks))
        expect(listed(after, id as CheckId, 4, undefined, []).totals).toEqual([counts.count]);
    }),
  );

  test("is gone through in steps at the end of its runs, and no point is kept before the last one", () =>
    within("users", 1, ({ inventory, explorer, storage, now }) => {
      const ids = Array.from({ length: 41_000 }, (_, n) => `00u${n}`);
      inventory.assets.file(ids.map((id) => user(id, { status: "LOCKED_OUT", created: iso(NOW) })));
      withoutMarks(storage);
      migrate(storage);
      const after = new Explorer(streams.users, storage.sql, new Inventory(storage.sql, now), now);
      const kept = () => {
        after.keepPosture([], []);
        return after.posturePoint()?.checks.locked_out?.count;
      };
      expect([kept(), kept(), kept()]).toEqual([undefined, undefined, ids.length]);
      expect(explorer.posture([], [], false).checks.locked_out?.count).toBe(ids.length);
    }));
});

describe("the trend", () => {
  test("has one point a day, of its last run, for 90 days", () =>
    within("users", 1, ({ inventory, explorer, pass, now }) => {
      inventory.assets.file([user("00u1", { status: "LOCKED_OUT" })]);
      const keep = () => explorer.keepPosture([], []);
      const locked = () =>
        explorer.posture([], [], true).trend.map(({ day, checks }) => [day, checks.locked_out?.count]);
      const dayOf = (at: number) => iso(at).slice(0, 10);
      keep();
      expect(locked()).toEqual([[dayOf(NOW), 1]]);
      inventory.assets.file([user("00u1")]);
      keep();
      // Just after a point, none is kept.
      expect(locked()).toEqual([[dayOf(NOW), 1]]);
      pass(60_000);
      keep();
      expect(locked()).toEqual([[dayOf(NOW), 0]]);
      pass(2 * DAY);
      keep();
      expect(locked()).toEqual([
        [dayOf(NOW), 0],
        [dayOf(now()), 0],
      ]);
      for (let day = 0; day < 100; day++) {
        pass(DAY);
        keep();
      }
      const days = locked().map(([day]) => day);
      expect(days).toHaveLength(90);
      expect(days.at(-1)).toBe(dayOf(now()));
      expect(days[0]).toBe(dayOf(now() - 89 * DAY));
      expect(explorer.posture([], [], false).trend).toEqual([]);
      expect(explorer.posturePoint()).toMatchObject({ day: dayOf(now()), at: now() });
    }));
});
