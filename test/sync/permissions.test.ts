/** A permission that is lost is told with what it takes, and what was missed is read again as soon as it is back. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { Attention } from "../../src/contract/status.ts";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg, type TestOrg } from "../support/org.ts";
import { realNow, stopTime } from "../support/time.ts";

const CONNECTION = "t19";
const QUARTER_MS = 15 * 60_000;

afterEach(() => reset());

/** An org with a credential that may not read what `forbid` names; unless `first` is false, after its first full run. */
const stage = async (
  options: {
    users?: number;
    forbid?: readonly string[];
    groups?: number;
    first?: boolean;
    beforeCall?: (path: string) => void;
  },
  play: (machine: Machine, org: TestOrg) => Promise<void>,
): Promise<void> => {
  stopTime();
  const { users = 40, groups = 6, forbid = [], first = true, beforeCall = () => {} } = options;
  const org = await createOrg(CONNECTION, { users, groups });
  await org.control("POST", "/clock", { stop: true });
  // Time that has passed in the tests before has passed for this org as well.
  await org.advance(Date.now() - realNow());
  if (forbid.length > 0) await org.restrict({ forbid });
  const watched = async (path: string): Promise<boolean> => {
    beforeCall(path);
    return true;
  };
  await withMachine({ org, stream: "users", beforeCall: watched }, async (machine) => {
    if (first) await run(machine, "full");
    await play(machine, org);
  });
};

const run = async (machine: Machine, kind: "full" | "delta"): Promise<void> => {
  await machine.stream.startRun(kind);
  await machine.toRest();
};

/** A delta run, as a cron starts it a quarter of an hour after the last one. */
const nextDelta = async (machine: Machine): Promise<void> => {
  await machine.passTime(QUARTER_MS);
  await machine.stream.wake("delta");
  await machine.toRest();
};

const lost = async (machine: Machine): Promise<Attention | undefined> =>
  (await machine.stream.status()).attention.find(({ code }) => code === "permission_lost");

const unknown = async (machine: Machine) => (await machine.stream.status()).assets.unknown;

/** What the credential may not read, how that is told, and which fact it leaves unknown. */
const situations = [
  { forbid: ["factors"], fact: "factors", told: "MFA factors" },
  { forbid: ["roles"], fact: "roles", told: "the admin roles of users" },
  { forbid: ["assignees"], fact: "roles", told: "who has admin roles" },
  // Those who may have a role through a group are asked for their own roles, which name it.
  { forbid: ["groupRoles"], fact: null, told: "the admin roles that groups give" },
  { forbid: ["members", "userGroups"], fact: "groups", told: "who is in which group" },
  { forbid: ["groups"], fact: "groups", told: "the groups" },
] as const;

describe.each(situations)("without permission on $forbid", ({ forbid, fact, told }) => {
  test("a first run says what is lost; once it is back, the next delta run has it read", async () => {
    await stage({ forbid }, async (machine, org) => {
      expect(await lost(machine)).toMatchObject({
        severity: "warning",
        detail: expect.stringMatching(new RegExp(`${told}.*403`)),
        remedy: expect.stringContaining("role"),
      });
      if (fact === null) expect(await unknown(machine)).toEqual({});
      else expect((await unknown(machine))[fact]).toBeGreaterThan(0);

      // For as long as it lasts, it stays told, and costs a refused call or two a delta run.
      const since = (await lost(machine))?.since;
      await org.resetStats();
      await nextDelta(machine);
      expect((await lost(machine))?.since).toBe(since);
      expect((await org.stats()).byStatus["403"]).toBeLessThanOrEqual(2);

      await org.restrict({ forbid: [] });
      await nextDelta(machine);
      expect(await lost(machine)).toBeUndefined();
      expect(await unknown(machine)).toEqual({});
    });
  });

  test("lost after a first run, it is told after the next full run at the latest", async () => {
    await stage({}, async (machine, org) => {
      expect(await unknown(machine)).toEqual({});
      expect(await lost(machine)).toBeUndefined();
      await org.restrict({ forbid });
      await machine.passTime(86_400_000);
      await run(machine, "full");
      expect((await lost(machine))?.detail).toContain(told);
    });
  });
});

test("without the users nothing is read, which is an error", async () => {
  await stage({}, async (machine, org) => {
    await org.restrict({ forbid: ["users"] });
    await machine.stream.wake("full");
    await machine.slice();
    expect(await lost(machine)).toMatchObject({
      severity: "error",
      detail: expect.stringContaining("the users"),
    });
    await org.restrict({ forbid: [] });
    await machine.toRest();
    expect(await lost(machine)).toBeUndefined();
  });
});

test("one refusal in a delta run is enough, if what could be read before is refused as well", async () => {
  await stage({}, async (machine, org) => {
    const user = (await org.dump()).users.find(({ factors }) => factors.length > 0);
    await org.restrict({ forbid: ["factors"] });
    await org.change("DELETE", `/users/${user?.id}/factors`);
    await nextDelta(machine);
    expect((await lost(machine))?.detail).toContain("MFA factors");
    expect(await unknown(machine)).toEqual({ factors: expect.any(Number) });
    await org.restrict({ forbid: [] });
    await nextDelta(machine);
    expect(await lost(machine)).toBeUndefined();
    expect(await unknown(machine)).toEqual({});
  });
});

test("refusals about some people are not a lost permission", async () => {
  await stage({ first: false, users: 60 }, async (machine, org) => {
    const { users } = await org.dump();
    const some = users.filter((_, index) => index % 2 === 0).map(({ id }) => id);
    await org.fault({ match: { path: `^/api/v1/users/(${some.join("|")})/factors` }, kind: "403" });
    await run(machine, "full");
    expect(await unknown(machine)).toEqual({ factors: expect.any(Number) });
    expect(await lost(machine)).toBeUndefined();
    await org.change("DELETE", `/users/${some[0]}/factors`);
    await nextDelta(machine);
    expect(await lost(machine)).toBeUndefined();
  });
});

test("what was refused is read again beginning with administrators", async () => {
  const asked: string[] = [];
  const beforeCall = (path: string): void => {
    const [, id] = /\/users\/([^/]+)\/factors$/.exec(path) ?? [];
    if (id !== undefined) asked.push(id);
  };
  await stage({ forbid: ["factors"], users: 300, beforeCall }, async (machine, org) => {
    const { users } = await org.dump();
    const living = users.filter(({ status }) => status !== "DEPROVISIONED");
    const admins = living.filter(({ roles }) => roles.length > 0).map(({ id }) => id);
    expect(admins.length).toBeGreaterThan(2);
    await org.restrict({ forbid: [] });
    asked.length = 0;
    await nextDelta(machine);
    // Two were asked to find out that it is back: an administrator and whoever was refused the longest ago.
    const rest = asked.slice(2).filter((id) => !admins.includes(id));
    expect(
      asked
        .slice(0, admins.length + 1)
        .filter((id) => admins.includes(id))
        .sort(),
    ).toEqual(admins.sort());
    expect(new Set(asked).size).toBe(living.length);
    expect(rest.length).toBeGreaterThan(200);
    expect(await unknown(machine)).toEqual({});
  });
});
