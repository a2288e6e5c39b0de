import { describe, expect, test } from "vitest";
import { type EstimateInput, estimate } from "../../src/connection-test/estimate.ts";
import { control, makeOrg, tryConnection } from "./support.ts";

const input: EstimateInput = {
  users: 1000,
  groups: { count: 51, complete: true, sizes: new Array<number>(50).fill(20), withRoles: 2 },
  admins: { count: 5, complete: true },
  devices: { count: 120, complete: true, known: null },
  factors: true,
  limits: { "/api/v1/users": 600, "/api/v1/groups": 500, "/api/v1": 600, "/api/v1/devices": 100 },
  share: 0.5,
};

describe("an estimate", () => {
  // ⌈1000/200⌉ + ⌈51/200⌉ + 50 groups + ⌈5/100⌉ + 5 + 2 + 1000 factors, and ⌈120/200⌉ for the devices.
  const calls = 5 + 1 + 50 + 1 + 5 + 2 + 1000 + 1;

  test("adds up what a first full run reads", () => {
    // 1,005 calls of the users' bucket at 300 a minute are the slowest.
    expect(estimate(input)).toEqual({ users: 1000, devices: 120, calls, minutes: 4 });
  });

  test.each([
    ["nobody knows the users", { users: null }, { users: null, devices: 120, calls: null, minutes: null }],
    ["factors may not be read", { factors: false }, { calls: calls - 1000, minutes: 1 }],
    ["devices may not be read", { devices: null }, { devices: null, calls, minutes: 4 }],
    [
      "an inventory knows the devices",
      { devices: { count: 200, complete: false, known: 900 } },
      { devices: 900, calls: calls + 4 },
    ],
    [
      "there are more devices than a page",
      { devices: { count: 200, complete: false, known: null } },
      { devices: null, calls: calls + 4 },
    ],
    [
      "there are more groups than were seen",
      { groups: { count: 1000, complete: false, sizes: [], withRoles: 0 } },
      { calls: 5 + 5 + 1000 + 1 + 5 + 1000 + 1 },
    ],
    ["the limits are not told", { limits: {} }, { calls, minutes: null }],
    ["the whole bucket may be used", { share: 1 }, { calls, minutes: 2 }],
    ["another bucket is slower", { limits: { ...input.limits, "/api/v1/groups": 10 } }, { minutes: 11 }],
  ])("when %s", (_, change, expected) => {
    expect(estimate({ ...input, ...change })).toMatchObject(expected);
  });
});

describe("the estimate of a test", () => {
  test("equals the org where it fits on a page each", async () => {
    const org = makeOrg({ users: 150, groups: 20, devices: 60 });
    const { document } = await tryConnection(org);
    const dump = org.dump();
    const everyone = dump.users.filter(({ status }) => status !== "DEPROVISIONED").length;
    expect(document.estimate).toMatchObject({ users: everyone, devices: 60, minutes: expect.any(Number) });
    const admins = dump.users.filter(({ roles }) => roles.length > 0).length;
    const { calls } = document.estimate;
    // One page each of users, groups and assignees, every factor; not more than every group, admin and role beside.
    expect(calls).toBeGreaterThanOrEqual(everyone + 4);
    expect(calls).toBeLessThanOrEqual(everyone + 4 + Math.min(20, everyone) + 20 + admins);
  });

  test("finds Everyone and the number of groups where there are many", async () => {
    const org = makeOrg({ users: 900, groups: 700, devices: 250 });
    const { document, calls } = await tryConnection(org);
    const everyone = org.dump().users.filter(({ status }) => status !== "DEPROVISIONED").length;
    expect(document.estimate).toMatchObject({ users: everyone, devices: null });
    expect(calls).toHaveLength(10);
    const actual = document.estimate.calls ?? 0;
    expect(actual).toBeGreaterThan(everyone);
    expect(actual).toBeLessThan(2.2 * everyone);
  });

  test("knows nothing about an org whose groups may not be read, except what an inventory knows", async () => {
    const org = makeOrg({ forbid: ["groups"] });
    expect((await tryConnection(org)).document.estimate).toMatchObject({ users: null, calls: null });
    const known = { users: 30, devices: 4 };
    expect((await tryConnection(org, { known })).document.estimate).toMatchObject({ users: 30, devices: 4 });
  });

  test("uses the limits that the answers show", async () => {
    const org = makeOrg({ users: 1000, limits: { "/api/v1/users": 100 } });
    const { document } = await tryConnection(org);
    const everyone = document.estimate.users ?? 0;
    expect(document.estimate.minutes).toBe(Math.ceil((everyone + Math.ceil(everyone / 200)) / 50));
    await control(org, "/restrict", { noRateLimitHeaders: true });
    expect((await tryConnection(org)).document.estimate.minutes).toBeNull();
  });
});
