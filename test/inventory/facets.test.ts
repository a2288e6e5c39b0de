/** The facets of assets and their counts, against what is read of each asset by itself. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import type { UserFacts } from "../../src/inventory/facts.ts";
import type { Inventory } from "../../src/inventory/inventory.ts";
import type { Reading } from "../../src/inventory/readings.ts";
import { areAdmins } from "../../src/inventory/standing.ts";
import { isUnknown, userFactNames } from "../../src/inventory/unknown-facts.ts";
import { isAdmin } from "../../src/ocsf/derive.ts";
import { seeds } from "../support/seeds.ts";
import { EVERYONE, group, NOW, user, within } from "./support.ts";

afterEach(() => reset());

const USERS = Array.from({ length: 9 }, (_, n) => `u${n}`);
const GROUPS = ["00g1", "00g2", "00g3"];
const LIST = "members/list";

const pick = <T>(random: Random, ...values: readonly T[]): T => values[random.int(values.length)] as T;
const some = (random: Random): string[] => USERS.filter(() => random.int(3) === 0);

const role = (holder: string, assignmentType: string, status: string) => ({
  value: JSON.stringify([{ id: `ra-${holder}`, type: "ORG_ADMIN", label: "Org", status, assignmentType }]),
});
const factor = (factorType: string, status: string) => ({ id: "f1", factorType, provider: "OKTA", status });

/** Does to the inventory what phases do, at random. @param minute so many minutes have passed */
const act = (random: Random, inventory: Inventory, minute: number): void => {
  const { admins, assets, factors, groups, memberships, stale, sweeps, userGroups } = inventory;
  const now = NOW + minute * 60_000;
  const userId = pick(random, ...USERS);
  const groupId = pick(random, ...GROUPS);
  const refused = { reason: pick(random, "forbidden", "failed", "pending") } as const;
  const roles = (holder: string): Reading =>
    pick<Reading>(
      random,
      role(holder, pick(random, "USER", "GROUP"), pick(random, "ACTIVE", "INACTIVE")),
      { value: "[]" },
      refused,
    );
  const org = pick(random, { at: now, reason: null }, { at: now, reason: "failed", failedAt: now } as const);
  const acts: readonly (() => unknown)[] = [
    () =>
      assets.file(
        some(random).map((id) => user(id, { status: pick(random, "ACTIVE", "LOCKED_OUT", "DEPROVISIONED") })),
      ),
    () => inventory.bury(inventory.users, userId),
    () => assets.expireTombstones(now - 300_000),
    () => inventory.setLastLogin(userId, new Date(now).toISOString()),
    () =>
      factors.setOf(
        some(random).map((id) => ({
          userId: id,
          readAt: now,
          reading: pick<Reading>(
            random,
            {
              value: JSON.stringify([
                factor(pick(random, "push", "sms"), pick(random, "ACTIVE", "PENDING_ACTIVATION")),
              ]),
            },
            { value: "[]" },
            refused,
          ),
        })),
      ),
    () => factors.refuse("forbidden", { triedBefore: now, dueBefore: now - random.int(20) * 60_000 }),
    () =>
      factors.settle(
        random.int(2) === 0
          ? { deprovisioned: [userId], revived: [] }
          : { deprovisioned: [], revived: [userId] },
      ),
    () => groups.file(group(groupId, { stats: { usersCount: 1, hasAdminPrivilege: random.int(2) === 0 } })),
    () => groups.file(group(groupId, { stats: null }), { complete: true }),
    () => groups.setRoles(groupId, roles(groupId), now),
    () => groups.setRoles(EVERYONE.id, roles(EVERYONE.id), now),
    () => groups.remove(groupId),
    () => groups.setEveryoneHoldsDeprovisioned(random.int(2) === 0),
    () => memberships.addMembers(groupId, some(random), now),
    () => memberships.removeMember(groupId, userId),
    () =>
      memberships.replaceGroupsOf(
        userId,
        GROUPS.filter(() => random.int(2) === 0),
        now,
      ),
    () => {
      sweeps.begin(LIST);
      sweeps.add(LIST, 0, some(random));
      memberships.keepOnly(groupId, LIST, now);
    },
    () => userGroups.setRead(userId, pick(random, null, "failed", "forbidden"), false, now),
    () => userGroups.neverKnown(userId),
    () => userGroups.clearReasons(assets.newestNumber()),
    () => inventory.setGroupsKnown(org),
    () => admins.setOrg(org),
    () => admins.setRoles(userId, roles(userId), now),
    () => {
      sweeps.begin("assignees");
      sweeps.add("assignees", 0, some(random));
      admins.setCandidates(pick(random, "assignees", null), now);
    },
    () => stale.add("user_groups", userId, "log", now),
  ];
  pick(random, ...acts)();
};

/** What a search by facets must say of a user, by the user's facts. */
const expected = (facts: UserFacts) => ({
  unknown: userFactNames.filter((fact) => facts[fact].state === "unknown"),
  admin: isAdmin(facts),
  mfa:
    facts.factors.state === "unknown"
      ? null
      : [
          ...new Set(
            facts.factors.value.flatMap(({ factorType, status }) =>
              status === "ACTIVE" ? [`${factorType}|OKTA`] : [],
            ),
          ),
        ],
});

describe("facets", () => {
  test.each(seeds(4))("say of everybody what the facts say, and count everybody, seed %i", (seed) =>
    within((inventory, _tick, sql) => {
      const random = createRandom(seed, "facets");
      inventory.groups.file(EVERYONE);
      for (let n = 0; n < 300; n++) {
        act(random, inventory, n);
        const { standing, facets } = inventory;
        const all = facets.all();
        for (const id of USERS) {
          const stored = inventory.users.one(id);
          const facet = facets.of(id);
          expect([n, id, facet === null]).toEqual([n, id, stored === null]);
          if (stored === null || facet === null) continue;
          expect(all).toContainEqual(facet);
          const said = {
            unknown: userFactNames.filter((fact) => isUnknown(facet, fact, standing)),
            admin: areAdmins(facet, standing),
            mfa: facet.mfa,
          };
          expect([n, id, facet.status]).toEqual([
            n,
            id,
            stored.deletedAt === null ? stored.facts.user.status : null,
          ]);
          if (stored.deletedAt === null) expect([n, id, said]).toEqual([n, id, expected(stored.facts)]);
          else
            expect([n, id, said.mfa, said.admin]).toEqual([
              n,
              id,
              expected(stored.facts).mfa,
              expected(stored.facts).admin,
            ]);
        }
        const counted = sql.exec<{ f: number; n: number }>(
          "SELECT f, count(*) AS n FROM search_keys GROUP BY f ORDER BY f",
        );
        expect(inventory.assets.counts()).toEqual(inventory.assets.counts(all));
        expect(inventory.countUnknown()).toEqual(inventory.countUnknown(all));
        expect(all.map(({ f, count }) => [f, count]).sort(([a = 0], [b = 0]) => a - b)).toEqual(
          counted.toArray().map(({ f, n: count }) => [f, count]),
        );
      }
    }),
  );
});
