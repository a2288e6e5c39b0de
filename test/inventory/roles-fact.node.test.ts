import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { known, unknown } from "../../src/inventory/facts.ts";
import { type RoleSources, rolesFact } from "../../src/inventory/roles-fact.ts";
import type { OktaRole } from "../../src/okta/records.ts";
import { examples } from "../support/seeds.ts";

const role = (id: string, over: Partial<OktaRole> = {}): OktaRole => ({
  id,
  type: "ORG_ADMIN",
  label: "Organization Administrator",
  status: "ACTIVE",
  assignmentType: "USER",
  ...over,
});
const OWN = role("ra1");
const GIVEN = role("ra2", { assignmentType: "GROUP" });
const LOST = role("ra3", { assignmentType: "GROUP" });

const group = (roles: RoleSources["groups"][number]["roles"], id = "00g1") => ({
  id,
  name: id,
  description: null,
  type: "OKTA_GROUP",
  roles,
});
const row = (roles: readonly OktaRole[] | null, over: Partial<RoleSources["own"]> = {}) => ({
  roles: roles === null ? null : JSON.stringify(roles),
  read_at: roles === null ? null : 5,
  reason: null,
  covers: true,
  ...over,
});
const KNOWN_ORG = { at: 9, reason: null };
const all = { org: KNOWN_ORG, areAllGroups: true, groupsReason: null };
const forbidden = unknown<readonly OktaRole[]>("forbidden");

/** A fact without the names of the groups that give roles. */
const nameless = (fact: ReturnType<typeof rolesFact>): ReturnType<typeof rolesFact> =>
  JSON.parse(JSON.stringify(fact, (key, value) => (key === "group" ? undefined : value)));

describe("a user's roles", () => {
  test("name the group that gives them, where a group tells them", () => {
    const named = { ...group(known([GIVEN], 1)), name: "Administrators" };
    const other = { ...group(known([LOST], 1), "00g2"), name: null };
    expect(rolesFact({ ...all, own: row([OWN]), groups: [named, other] })).toMatchObject({
      value: [OWN, { ...GIVEN, group: "Administrators" }, { ...LOST, group: "00g2" }],
    });
  });

  test("name it by what the own answer says, where the group does not tell its roles", () => {
    const own = row([
      { ...GIVEN, group: "00g1" },
      { ...LOST, group: "00g9" },
    ]);
    const groups = [{ ...group(forbidden), name: "Administrators" }];
    expect(rolesFact({ ...all, own, groups })).toMatchObject({
      state: "known",
      value: [
        { ...GIVEN, group: "Administrators" },
        { ...LOST, group: "00g9" },
      ],
    });
  });

  test.each<[string, RoleSources, ReturnType<typeof rolesFact>]>([
    [
      "nobody has any",
      { ...all, own: null, groups: [group(known([], 1))] },
      { state: "known", value: [], at: 9 },
    ],
    [
      "a group gives one to somebody whom the list does not name",
      { ...all, own: null, groups: [group(known([GIVEN], 1))] },
      { state: "known", value: [GIVEN], at: 9 },
    ],
    [
      "the own answer names the group's role as well: it is one role",
      { ...all, own: row([OWN, GIVEN]), groups: [group(known([GIVEN], 1))] },
      { state: "known", value: [OWN, GIVEN], at: 5 },
    ],
    [
      "the own answer still names a role that the group has lost",
      { ...all, own: row([OWN, LOST]), groups: [group(known([GIVEN], 1))] },
      { state: "known", value: [OWN, GIVEN], at: 5 },
    ],
    [
      "the group does not tell, the own answer does",
      { ...all, own: row([OWN, GIVEN]), groups: [group(forbidden)] },
      { state: "known", value: [OWN, GIVEN], at: 5 },
    ],
    [
      "the group does not tell, and the own answer is from before a change",
      { ...all, own: row([OWN, LOST], { covers: false }), groups: [group(forbidden)] },
      { state: "unknown", reason: "forbidden", last: { value: [OWN], at: 5 }, certain: [OWN] },
    ],
    [
      "the group does not tell, and nobody was asked",
      { ...all, own: null, groups: [group(forbidden)] },
      { state: "unknown", reason: "forbidden" },
    ],
    [
      "one group does not tell, another gives an active role: an administrator all the same",
      { ...all, own: null, groups: [group(forbidden), group(known([GIVEN], 1), "00g2")] },
      { state: "unknown", reason: "forbidden", last: { value: [GIVEN], at: 9 }, certain: [GIVEN] },
    ],
    [
      "the list is refused, and a group gives an active role",
      { ...all, org: { at: null, reason: "failed" }, own: null, groups: [group(known([GIVEN], 1))] },
      { state: "unknown", reason: "failed", last: { value: [GIVEN], at: 0 }, certain: [GIVEN] },
    ],
    [
      "the list is refused, and no group gives a role",
      { ...all, org: { at: null, reason: "failed" }, own: null, groups: [] },
      { state: "unknown", reason: "failed" },
    ],
    [
      "the groups are unknown",
      { org: KNOWN_ORG, own: null, groups: [], areAllGroups: false, groupsReason: "forbidden" },
      { state: "unknown", reason: "forbidden" },
    ],
    [
      "the own reading failed, and was known before",
      { ...all, own: row([OWN], { reason: "failed" }), groups: [group(known([GIVEN], 1))] },
      { state: "unknown", reason: "failed", last: { value: [OWN, GIVEN], at: 5 }, certain: [GIVEN] },
    ],
    [
      "a group gave one, and whether somebody is still in it is unknown",
      {
        ...all,
        own: null,
        groups: [group(known([GIVEN], 1))],
        areAllGroups: false,
        groupsReason: "forbidden",
      },
      { state: "unknown", reason: "forbidden", last: { value: [GIVEN], at: 9 } },
    ],
    [
      "groups are still being read, and one that is known gives one",
      { ...all, own: null, groups: [group(known([GIVEN], 1))], areAllGroups: false, groupsReason: "pending" },
      { state: "unknown", reason: "pending", last: { value: [GIVEN], at: 9 }, certain: [GIVEN] },
    ],
  ])("%s", (_, sources, fact) => {
    expect(nameless(rolesFact(sources))).toEqual(fact);
  });

  const ids = fc.uniqueArray(fc.constantFrom("ra1", "ra2", "ra3"), { maxLength: 3 });
  const statuses = fc.constantFrom("ACTIVE", "INACTIVE");

  test("are what they are, whichever way they were read, or unknown", () => {
    fc.assert(
      fc.property(
        ids,
        fc.array(fc.record({ ids, tells: fc.boolean() }), { maxLength: 3 }),
        statuses,
        fc.constantFrom("listed", "asked", "unlisted", "refused"),
        (own, groups, status, way) => {
          const direct = own.map((id) => role(`u-${id}`, { status }));
          const given = groups.map((each, index) =>
            each.ids.map((id) => role(`g${index}-${id}`, { assignmentType: "GROUP" })),
          );
          const truth = [...direct, ...given.flat()].sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
          const isAsked = way === "asked" || (way === "listed" && direct.length > 0);
          const fact = nameless(
            rolesFact({
              own: isAsked ? row(truth) : null,
              org: way === "refused" ? { at: null, reason: "forbidden" } : KNOWN_ORG,
              groups: groups.map(({ tells }, index) => {
                const roles = given[index] ?? [];
                return group(tells ? known(roles, 1) : forbidden, `00g${index}`);
              }),
              areAllGroups: true,
              groupsReason: null,
            }),
          );
          // Somebody whom the list leaves out has none of their own.
          const isTrue = isAsked || way === "listed" || direct.length === 0;
          if (fact.state === "known" && isTrue) expect(fact.value).toEqual(truth);
          // Nobody who may have a role is said to have none, and no role is made up.
          if (fact.state === "unknown") {
            expect(groups.some(({ tells }) => !tells) || way === "refused").toBe(true);
            for (const each of fact.last?.value ?? []) expect(truth).toContainEqual(each);
            for (const each of fact.certain ?? []) expect(truth).toContainEqual(each);
          }
        },
      ),
      examples(300),
    );
  });
});
