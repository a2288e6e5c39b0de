import { describe, expect, test } from "vitest";
import {
  checkTone,
  countTone,
  countWords,
  exceptedWords,
  type FoundCheck,
  findingOf,
  gravestFirst,
  gravestWords,
  listWords,
  unknownWords,
} from "../../src/console/posture-words.ts";
import { type CheckCounts, type CheckId, postureChecks } from "../../src/contract/posture.ts";

const exception = { group_id: "00g1", group: "Break glass", until: null, reason: "Safe" };

/** A check with these counts; what is left out is 0. */
const check = (
  id: CheckId,
  counts: Partial<CheckCounts>,
  exceptions: FoundCheck["exceptions"] = [],
): FoundCheck => {
  const known = postureChecks.find((one) => one.id === id);
  if (known === undefined) throw new Error(`there is no check ${id}`);
  const { title, severity, stream } = known;
  const none = { count: 0, unknown: 0, excepted: 0, population: 0 };
  return { id, title, severity, stream, search: "", exceptions, ...none, ...counts };
};

describe("a check says how many of how many", () => {
  test.each([
    ["admin_without_mfa", { count: 1, population: 950 }, "found", "1 administrator, of 950 users"],
    ["admin_without_mfa", { count: 2, population: 2 }, "found", "2 administrators, of 2 users"],
    ["active_without_mfa", { count: 1234, population: 5678 }, "found", "1,234 of 5,678 active users"],
    ["device_unmanaged", { count: 1, unknown: 3, population: 4 }, "found", "1 of 4 active devices"],
    ["locked_out", { count: 1, population: 1 }, "found", "1 of 1 user"],
    ["admin_without_mfa", { population: 950 }, "clear", "0 of 950 users"],
    ["admin_without_mfa", { excepted: 3, population: 3 }, "clear", "0 of 3 users"],
    ["admin_without_mfa", { unknown: 1, population: 9 }, "open", "0 to 1 administrator, of 9 users"],
    ["weak_mfa_only", { unknown: 1200, population: 9000 }, "open", "0 to 1,200 of 9,000 users"],
    ["active_without_mfa", { unknown: 9, population: 9 }, "unknown", "Unknown of 9 active users"],
    [
      "active_without_mfa",
      { unknown: 7, excepted: 2, population: 9 },
      "unknown",
      "Unknown of 9 active users",
    ],
    ["dormant_90d", {}, "nobody", "– There is no active user to check."],
    ["device_not_seen_90d", {}, "nobody", "– There is no active device to check."],
  ] as const)("%s %j: %s, %s", (id, counts, finding, words) => {
    const one = check(id, counts);
    expect(findingOf(one)).toBe(finding);
    const { large, rest } = countWords(one);
    expect(`${large} ${rest}`).toBe(words);
    // Only what is certain is quiet, only what was found has a colour, and nothing is ever green.
    expect(checkTone(one) === "mute").toBe(["clear", "nobody"].includes(finding));
    expect(countTone(one)).toBe(finding === "open" || finding === "unknown" ? "" : checkTone(one));
    expect(checkTone(one)).not.toBe("good");
  });
});

test.each([
  [check("active_without_mfa", { population: 3 }), null],
  [
    check("active_without_mfa", { unknown: 12, population: 20 }),
    "12 unknown, because their MFA factors are not known. They may belong here, too.",
  ],
  [
    check("device_unmanaged", { unknown: 1, population: 20 }),
    "1 unknown, because Okta does not tell whether they are managed. It may belong here, too.",
  ],
  [
    check("dormant_90d", { unknown: 2000, population: 2000 }, [exception]),
    "2,000 unknown, because it is not known whether they are in an excepted group. They may belong here, too.",
  ],
  [
    check("suspended_admin", { unknown: 2, population: 2 }, [exception]),
    "2 unknown, because their roles are not known, or it is not known whether they are in an excepted group. " +
      "They may belong here, too.",
  ],
  [
    check("locked_out", { unknown: 1, population: 2 }),
    "1 unknown, because a fact is not known. They may belong here, too.",
  ],
])("what is unknown is told with its reason: %#", (one, words) => {
  expect(unknownWords(one)).toBe(words);
});

test("every check has words for whom it counts", () => {
  for (const { id } of postureChecks) {
    expect(listWords(check(id, { count: 1 }))).toMatch(/^Show 1 (active )?(administrator|user|device)$/);
    expect(listWords(check(id, { count: 2 }))).toMatch(/^Show 2 (active )?(administrator|user|device)s$/);
    expect(listWords(check(id, {}))).toBe("Show the list");
  }
});

test("how many are excepted", () => {
  const excepted = (n: number, exceptions = [exception]) =>
    exceptedWords(check("locked_out", { excepted: n }, exceptions));
  expect(excepted(1)).toBe("1 more is excepted:");
  expect(excepted(1500)).toBe("1,500 more are excepted:");
  expect(excepted(0)).toBe("Nobody is excepted at present by this exception:");
  expect(excepted(0, [exception, exception])).toBe("Nobody is excepted at present by these exceptions:");
});

test("the gravest come first: by severity, by what is found, not by how many", () => {
  const found = [
    check("device_not_seen_90d", { count: 500, population: 900 }),
    check("weak_mfa_only", { count: 0, population: 9 }),
    check("admin_without_mfa", { count: 0, unknown: 2, population: 9 }),
    check("dormant_admin_30d", { count: 0, population: 9 }),
    check("suspended_admin", { count: 2, population: 9 }),
    check("active_without_mfa", { count: 3, population: 9 }),
    check("dormant_90d", { count: 7, population: 9 }),
  ];
  expect(gravestFirst(found).map(({ id }) => id)).toEqual([
    "active_without_mfa",
    "admin_without_mfa",
    "dormant_admin_30d",
    "suspended_admin",
    "dormant_90d",
    "weak_mfa_only",
    "device_not_seen_90d",
  ]);
});

test("whether something is grave is told, and that nothing is only if that is certain", () => {
  const clear = check("admin_without_mfa", { population: 9 });
  const found = check("active_without_mfa", { count: 1, population: 9 });
  expect(gravestWords([clear, found])).toBe("1 check of high severity has findings.");
  expect(gravestWords([found, found])).toBe("2 checks of high severity have findings.");
  expect(gravestWords([clear])).toBe("No check of high severity has findings.");
  expect(gravestWords([clear, check("dormant_admin_30d", { unknown: 1, population: 9 })])).toBeNull();
  expect(gravestWords([clear, check("dormant_admin_30d", {})])).toBeNull();
});
