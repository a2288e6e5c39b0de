/** Whom the inventory takes for an administrator, and of whom it does not know: one by one, in lists and in counts. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import type { UserFacts } from "../../src/inventory/facts.ts";
import type { Inventory } from "../../src/inventory/inventory.ts";
import { areAdmins, areRolesUnknown } from "../../src/inventory/standing.ts";
import { isAdmin } from "../../src/ocsf/derive.ts";
import { seeds } from "../support/seeds.ts";
import { EVERYONE, group, NOW, user, within } from "./support.ts";

afterEach(() => reset());

const roles = (id: string, assignmentType: string, status = "ACTIVE") => ({
  value: JSON.stringify([{ id, type: "ORG_ADMIN", label: "Org", status, assignmentType }]),
});
const USERS = ["a", "b", "c", "d", "e", "f"];
const GROUPS = ["00g1", "00g2", "00g3"];

const pick = <T>(random: Random, ...values: readonly T[]): T => values[random.int(values.length)] as T;

/** Changes something about the org at random, as phases do. */
const change = (random: Random, inventory: Inventory): void => {
  const userId = pick(random, ...USERS);
  const groupId = pick(random, ...GROUPS, EVERYONE.id);
  const reading = pick(random, roles(`ra-${groupId}`, "GROUP"), { value: "[]" }, {
    reason: "forbidden",
  } as const);
  const org = pick(random, { at: NOW, reason: null }, { at: null, reason: "failed" } as const);
  const acts: readonly (() => unknown)[] = [
    () => inventory.groups.setRoles(groupId, reading, NOW),
    () => inventory.memberships.addMembers(pick(random, ...GROUPS), [userId], NOW),
    () => inventory.memberships.removeMember(pick(random, ...GROUPS), userId),
    () => inventory.admins.setRoles(userId, roles(`ra-${userId}`, pick(random, "USER", "GROUP")), NOW),
    () =>
      inventory.admins.setRoles(userId, pick(random, { value: "[]" }, { reason: "failed" } as const), NOW),
    () => inventory.admins.setOrg({ ...org, ...(org.reason !== null && { failedAt: NOW }) }),
    () => inventory.setGroupsKnown({ ...org, ...(org.reason !== null && { failedAt: NOW }) }),
    () => inventory.userGroups.setRead(userId, pick(random, null, "failed" as const), false, NOW),
    () =>
      inventory.groups.file(group(groupId === EVERYONE.id ? "00g1" : groupId, { stats: null }), {
        complete: true,
      }),
    () => inventory.assets.file([user(userId, { status: pick(random, "ACTIVE", "DEPROVISIONED") })]),
  ];
  pick(random, ...acts)();
};

const factsOf = (inventory: Inventory): Map<string, UserFacts> =>
  new Map(
    USERS.flatMap((id) => [[id, inventory.users.one(id)?.facts] as const]).flatMap(([id, facts]) =>
      facts ? [[id, facts]] : [],
    ),
  );

describe("administrators", () => {
  test.each(seeds(3))("and unknown roles are the same in events, lists and counts, seed %i", (seed) =>
    within((inventory) => {
      const random = createRandom(seed, "roles");
      inventory.assets.file(USERS.map((id) => user(id)));
      for (const each of [...GROUPS.map((id) => group(id)), EVERYONE]) inventory.groups.file(each);
      for (let n = 0; n < 150; n++) {
        const before = factsOf(inventory);
        const { head } = inventory.assets;
        change(random, inventory);
        const facts = factsOf(inventory);
        const { standing } = inventory;
        for (const [id, each] of facts) {
          const facet = inventory.facets.of(id) ?? expect.fail();
          expect([id, areAdmins(facet, standing)]).toEqual([id, isAdmin(each)]);
          expect([id, areRolesUnknown(facet, standing)]).toEqual([id, each.roles.state === "unknown"]);
        }
        const unknown = [...facts.values()].filter(({ roles: { state } }) => state === "unknown");
        expect(inventory.countUnknown().roles ?? 0).toBe(unknown.length);
        // Whoever's roles show otherwise than before has a new number.
        const { renumbering } = inventory.assets;
        while (renumbering.isUnfinished) renumbering.step();
        for (const [id, { roles: is }] of facts) {
          const was = before.get(id)?.roles;
          const told = (fact: typeof was) =>
            JSON.stringify({ ...fact, at: 0, last: { ...(fact && "last" in fact ? fact.last : {}), at: 0 } });
          if (told(was) !== told(is)) expect(inventory.users.one(id)?.sequence).toBeGreaterThan(head);
        }
      }
    }),
  );
});

describe("a group of 5,000 members", () => {
  const MEMBERS = Array.from({ length: 5_000 }, (_, n) => `u${n}`);

  test("whose roles change gives them new numbers in steps, and asks nobody", () =>
    within((inventory) => {
      inventory.assets.file([...MEMBERS, "other"].map((id) => user(id)));
      inventory.groups.file(group("00g1", { stats: { usersCount: 5_000, hasAdminPrivilege: true } }));
      inventory.memberships.addMembers("00g1", MEMBERS, 0);
      inventory.groups.setRoles("00g1", { value: "[]" }, NOW);
      inventory.setGroupsKnown({ at: NOW, reason: null });
      inventory.admins.setOrg({ at: NOW, reason: null });
      const { renumbering } = inventory.assets;
      while (renumbering.isUnfinished) renumbering.step();
      const { head } = inventory.assets;
      inventory.groups.setRoles("00g1", roles("ra1", "GROUP"), NOW);
      // One step of 1,000 was done; the others wait, and nobody reads an event meanwhile.
      expect(inventory.assets.head).toBe(head + 1_000);
      expect(renumbering.isUnfinished).toBe(true);
      const late = inventory.users.one("u999")?.sequence ?? 0;
      expect(late).toBeLessThanOrEqual(head);
      renumbering.hurry("u999");
      expect(inventory.users.one("u999")).toMatchObject({
        sequence: head + 1_001,
        facts: { roles: { state: "known" } },
      });
      let steps = 0;
      for (; renumbering.isUnfinished; steps++) renumbering.step();
      expect(steps).toBe(5);
      expect(inventory.assets.head).toBe(head + 5_000);
      expect(inventory.users.one("other")?.sequence).toBeLessThanOrEqual(head);
      expect(inventory.stale.next("roles", 10)).toEqual([]);
      expect(isAdmin(inventory.users.one("u4999")?.facts as UserFacts)).toBe(true);
    }));
});
