/**
 * Searches against a model: random people of whom random facts are unknown, and for random questions the list that a
 * person would make by hand.
 */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import type { FoundUser, UserSummary } from "../../src/contract/inventory-documents.ts";
import type { SearchQuery } from "../../src/contract/stream-api.ts";
import { Explorer } from "../../src/explore/explorer.ts";
import { csvHeader, csvRow } from "../../src/http/csv.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { migrate } from "../../src/inventory/schema.ts";
import { users as definition } from "../../src/streams/users.ts";
import { EVERYONE, group, NOW, user } from "../inventory/support.ts";
import { seeds } from "../support/seeds.ts";

afterEach(() => reset());

const DAY_MS = 86_400_000;
const pick = <T>(random: Random, ...values: readonly T[]): T => values[random.int(values.length)] as T;
const iso = (ms: number): string => new Date(ms).toISOString();

const FACTORS = {
  push: { factorType: "push", provider: "OKTA" },
  sms: { factorType: "sms", provider: "OKTA" },
  webauthn: { factorType: "webauthn", provider: "FIDO" },
} as const;
type FactorName = keyof typeof FACTORS;

/** A person as the model has it. `null` factors or roles are unknown. */
interface Person {
  readonly id: string;
  readonly status: string;
  readonly name: string;
  readonly department: string | null;
  readonly lastLogin: string | null;
  readonly created: string | null;
  readonly factors: readonly FactorName[] | null;
  /** What was known of the factors before they became unknown. */
  readonly formerFactors: readonly FactorName[] | null;
  /** Labels of the person's own active roles. */
  readonly roles: readonly string[] | null;
  /** Whether the person is in the group that gives a role. */
  readonly isMember: boolean;
  /** The asset's sequence number, once it is stored. */
  changed: string;
}

const GROUP_ROLE = "Group Administrator";

const personOf = (random: Random, n: number): Person => {
  const isUnknown = random.int(4) === 0;
  const some = pick<readonly FactorName[]>(random, [], ["push"], ["sms"], ["webauthn"], ["push", "webauthn"]);
  return {
    id: `00u${String(1000 - n)}`,
    status: pick(random, "ACTIVE", "ACTIVE", "SUSPENDED", "DEPROVISIONED"),
    name: `${pick(random, "ann", "Bob", "cy", "Dee")} ${pick(random, "ann", "Oz", "x")}`,
    department: pick(random, null, "Sales", "sales", "R&D"),
    lastLogin: pick(random, null, iso(NOW - random.int(100) * DAY_MS), iso(NOW - random.int(3) * DAY_MS)),
    created: pick(random, null, iso(NOW - random.int(50) * DAY_MS)),
    factors: isUnknown ? null : some,
    formerFactors: isUnknown && random.int(2) === 0 ? some : null,
    roles:
      random.int(5) === 0
        ? null
        : pick<readonly string[]>(random, [], [], ["Help Desk Administrator"], ["Super Administrator"]),
    isMember: random.int(5) === 0,
    changed: "",
  };
};

const factorsJson = (names: readonly FactorName[]): string =>
  JSON.stringify(
    names.map((name) => ({ id: name, ...FACTORS[name], status: "ACTIVE", created: null, lastUpdated: null })),
  );
const rolesJson = (labels: readonly string[], assignmentType: string): string =>
  JSON.stringify(
    labels.map((label) => ({ id: label, type: "CUSTOM", label, status: "ACTIVE", assignmentType })),
  );

const store = (inventory: Inventory, people: readonly Person[]): void => {
  inventory.groups.file(EVERYONE);
  inventory.groups.file(group("00g1", { stats: { usersCount: 1, hasAdminPrivilege: true } }));
  inventory.groups.setRoles("00g1", { value: rolesJson([GROUP_ROLE], "GROUP") }, NOW);
  inventory.assets.file(
    people.map(({ id, status, name, department, lastLogin, created }) => {
      const [firstName = "", lastName = ""] = name.split(" ");
      const profile = { login: `${id}@example.com`, firstName, lastName, ...(department && { department }) };
      return user(id, { status, lastLogin, created, profile });
    }),
  );
  for (const { id, factors, formerFactors, roles } of people) {
    const known = factors ?? formerFactors;
    if (known !== null) inventory.factors.set(id, { value: factorsJson(known) }, NOW);
    if (factors === null && formerFactors !== null)
      inventory.factors.set(id, { reason: "forbidden" }, NOW + 1);
    if (roles === null) inventory.admins.setRoles(id, { reason: "forbidden" }, NOW);
    else if (roles.length > 0) inventory.admins.setRoles(id, { value: rolesJson(roles, "USER") }, NOW);
  }
  inventory.memberships.addMembers(
    "00g1",
    people.filter(({ isMember }) => isMember).map(({ id }) => id),
    NOW,
  );
  inventory.setGroupsKnown({ at: NOW, reason: null });
  inventory.admins.setOrg({ at: NOW, reason: null });
};

// What the documents say of each criterion.
const hasMfa = ({ factors }: Person) => (factors === null ? null : factors.length > 0);
const resists = ({ factors }: Person) => (factors === null ? null : factors.includes("webauthn"));
const labels = ({ roles, isMember }: Person) => [...(roles ?? []), ...(isMember ? [GROUP_ROLE] : [])];
const isAdmin = (person: Person) => (labels(person).length > 0 ? true : person.roles === null ? null : false);
const word = (value: boolean | null) => (value === null ? "unknown" : value);
const isLive = ({ status }: Person) => status !== "DEPROVISIONED";

const meets = (person: Person, query: Partial<SearchQuery>): boolean => {
  const { name, status, department, lastLogin, created, id } = person;
  const words = `${name} ${id} ${id}@example.com`.toLowerCase().split(/[^a-z0-9]+/);
  const wanted = (query.q ?? "")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  return (
    wanted.every((part) => words.some((one) => one.startsWith(part))) &&
    (query.status === undefined || status === query.status) &&
    (query.mfa === undefined ||
      (isLive(person) &&
        ({ enrolled: true, not_enrolled: false, unknown: null } as const)[query.mfa] === hasMfa(person))) &&
    (query.phishingResistant === undefined ||
      (isLive(person) && word(resists(person)) === query.phishingResistant)) &&
    (query.factor === undefined ||
      (isLive(person) && (person.factors ?? []).some((factor) => factor === query.factor))) &&
    (query.admin === undefined || word(isAdmin(person)) === query.admin) &&
    (query.role === undefined ||
      labels(person).some((label) => label.toLowerCase() === query.role?.toLowerCase())) &&
    (query.department === undefined || department?.toLowerCase() === query.department.toLowerCase()) &&
    (query.lastLoginBefore === undefined || (lastLogin !== null && lastLogin < query.lastLoginBefore)) &&
    (query.dormantDays === undefined ||
      (status === "ACTIVE" &&
        lastLogin !== null &&
        Date.parse(lastLogin) < NOW - query.dormantDays * DAY_MS)) &&
    (query.createdAfter === undefined || (created !== null && created > query.createdAfter)) &&
    (query.group === undefined || (query.group === "00g1" ? person.isMember : isLive(person))) &&
    (query.unknown !== "factors" || person.factors === null) &&
    (query.unknown !== "roles" || person.roles === null)
  );
};

const keyOf: Readonly<Record<string, (person: Person) => string | null>> = {
  name: ({ name }) => name.toLowerCase(),
  status: ({ status }) => status,
  last_login: ({ lastLogin }) => lastLogin,
  created: ({ created }) => created,
  changed: ({ changed }) => changed,
};

/** By the key, then in the order in which they were filed; backwards if that is asked for; without a key last. */
const sorted = (people: readonly Person[], { sort, descending }: Partial<SearchQuery>): readonly Person[] => {
  const key = sort === undefined ? undefined : keyOf[sort];
  if (key === undefined) return people;
  const turn = descending === true ? -1 : 1;
  const withKey = people.map((person, n) => ({ person, n, key: key(person) }));
  const order = withKey.sort((a, b) => {
    if ((a.key === null) !== (b.key === null)) return a.key === null ? 1 : -1;
    if (a.key !== b.key) return (a.key ?? "") < (b.key ?? "") ? -turn : turn;
    return turn * (a.n - b.n);
  });
  return order.map(({ person }) => person);
};

const question = (random: Random): Partial<SearchQuery> => {
  const maybe = <T extends object>(part: T): T | object => (random.int(4) === 0 ? part : {});
  return {
    ...maybe({ q: pick(random, "a", "ann", "ann x", "00u99", "nobody") }),
    ...maybe({ status: pick(random, "ACTIVE", "SUSPENDED") }),
    ...maybe({ mfa: pick(random, "enrolled", "not_enrolled", "unknown") }),
    ...maybe({ phishingResistant: pick<boolean | "unknown">(random, true, false, "unknown") }),
    ...maybe({ factor: pick(random, "push", "sms", "webauthn") }),
    ...maybe({ admin: pick<boolean | "unknown">(random, true, false, "unknown") }),
    ...maybe({ role: pick(random, "super administrator", GROUP_ROLE, "it's nobody's") }),
    ...maybe({ department: pick(random, "SALES", "R&D") }),
    ...maybe({ lastLoginBefore: iso(NOW - random.int(60) * DAY_MS) }),
    ...maybe({ dormantDays: 1 + random.int(60) }),
    ...maybe({ createdAfter: iso(NOW - random.int(50) * DAY_MS) }),
    ...maybe({ unknown: pick(random, "factors", "roles") }),
    ...maybe({ group: pick(random, "00g1", EVERYONE.id) }),
    ...(random.int(2) === 0 && {
      sort: pick(random, "name", "status", "last_login", "created", "changed"),
      descending: random.int(2) === 0,
    }),
  };
};

/** All that an explorer finds, page by page. */
const allOf = (explorer: Explorer, query: Partial<SearchQuery>, limit: number) => {
  const results: FoundUser[] = [];
  const totals = new Set<number>();
  let pages = 0;
  for (let after: number | string = 0; ; pages++) {
    const page = explorer.search({ ...query, after, limit }, []);
    results.push(...page.results.filter((found) => found.stream === "users"));
    totals.add(page.total);
    expect(page.results.length).toBeLessThanOrEqual(limit);
    if (page.next === null) return { results, totals: [...totals] };
    after = page.next;
    if (pages > 500) throw new Error("the pages do not end");
  }
};

/** @param mostSorted among more matches than this, a list is a merge */
const withPeople = (
  seed: number,
  work: (explorer: Explorer, people: readonly Person[], random: Random) => void,
  mostSorted?: number,
) =>
  runInDurableObject(env.INVENTORY_STREAM.getByName("t5/users"), (_, { storage }) => {
    const random = createRandom(seed, "search");
    migrate(storage);
    const inventory = new Inventory(storage.sql, () => NOW);
    const people = Array.from({ length: 60 }, (_person, n) => personOf(random, n));
    store(inventory, people);
    for (const person of people)
      person.changed = String(inventory.users.one(person.id)?.sequence).padStart(20, "0");
    work(new Explorer(definition, storage.sql, inventory, () => NOW, mostSorted), people, random);
  });

describe("a search", () => {
  test.each(
    seeds(6).flatMap(
      (seed) =>
        [
          [seed, undefined],
          [seed, 3],
          [seed, 0],
        ] as const,
    ),
  )(
    "finds on its pages exactly who meets it, in its order, seed %i, collecting at most %s",
    (seed, mostSorted) =>
      withPeople(
        seed,
        (explorer, people, random) => {
          for (let n = 0; n < 120; n++) {
            const query = question(random);
            const expected = sorted(
              people.filter((person) => meets(person, query)),
              query,
            ).map(({ id }) => id);
            const { results, totals } = allOf(explorer, query, 1 + random.int(12));
            const about = JSON.stringify(query);
            expect([about, results.map(({ id }) => id)]).toEqual([about, expected]);
            expect([about, totals]).toEqual([about, [expected.length]]);
          }
        },
        mostSorted,
      ),
  );

  test.each(seeds(3))("claims nothing of what is unknown, in JSON and in CSV, seed %i", (seed) =>
    withPeople(seed, (explorer, people) => {
      const { results } = allOf(explorer, {}, 60);
      const header = csvHeader("users")
        .trim()
        .split(",")
        .map((field) => JSON.parse(field));
      for (const person of people) {
        const found = results.find(({ id }) => id === person.id);
        if (found === undefined) throw new Error(`${person.id} is not found`);
        const claims = {
          mfa_enrolled: hasMfa(person),
          phishing_resistant: resists(person),
          is_admin: isAdmin(person),
        };
        expect(found).toMatchObject(claims);
        const row = csvRow(found).trim().slice(1, -1).split('","');
        for (const [key, value] of Object.entries(claims))
          expect(row[header.indexOf(key)]).toBe(value === null ? "unknown" : String(value));
      }
    }),
  );

  test.each(seeds(3))("for each tile of the totals finds as many as it says, seed %i", (seed) =>
    withPeople(seed, (explorer, people) => {
      const summary = explorer.summary([]) as UserSummary;
      const total = (query: Partial<SearchQuery>) =>
        explorer.search({ ...query, after: 0, limit: 1 }, []).total;
      expect(summary.total).toBe(people.length);
      expect({
        mfa: {
          enrolled: total({ mfa: "enrolled" }),
          not_enrolled: total({ mfa: "not_enrolled" }),
          unknown: total({ mfa: "unknown" }),
        },
        admins: {
          total: total({ admin: true }),
          without_mfa: total({ admin: true, mfa: "not_enrolled" }),
          unknown: total({ admin: "unknown" }),
        },
        unknown: { factors: total({ unknown: "factors" }), roles: total({ unknown: "roles" }) },
      }).toEqual({
        mfa: summary.mfa,
        admins: expect.objectContaining({}),
        unknown: expect.objectContaining({}),
      });
      expect(summary.admins).toMatchObject({
        total: total({ admin: true }),
        unknown: total({ admin: "unknown" }),
      });
      expect(summary.unknown).toEqual({
        factors: total({ unknown: "factors" }),
        roles: total({ unknown: "roles" }),
      });
      expect(total({ admin: true }) + total({ admin: false }) + total({ admin: "unknown" })).toBe(
        people.length,
      );
    }),
  );

  test("shows whom the text names exactly first, once, whatever the pages", () =>
    withPeople(7, (explorer, people) => {
      const last = people.at(-1)?.id ?? "";
      for (const limit of [1, 2, 5, 100]) {
        const { results, totals } = allOf(explorer, { q: `${last}@example.com` }, limit);
        expect(results.map(({ id }) => id).filter((id) => id === last)).toEqual([last]);
        expect(totals).toEqual([results.length]);
        if (limit > 1) expect(results[0]?.id).toBe(last);
      }
      expect(allOf(explorer, { q: `${last}@example.com`, status: "NONE" }, 5)).toEqual({
        results: [],
        totals: [0],
      });
    }));

  test("begins anew at no place that no page has told", () =>
    withPeople(8, (explorer) => {
      const { results } = explorer.search({ sort: "name", after: "nonsense", limit: 3 }, []);
      expect(results).toHaveLength(3);
    }));
});
