/** Event hooks at work: what they bring into the inventory, when, and at what cost. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import { type Machine, type MachineOptions, withMachine } from "../support/machine.ts";
import { createOrg, differences, expectedUsers, type TestOrg } from "../support/org.ts";
import { long } from "../support/seeds.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t17";
const SECOND = 1_000;

afterEach(() => reset());

type Scene = Pick<MachineOptions, "beforeCall" | "takesHooks" | "callsPerSlice"> & {
  /** Whether all users are in the inventory. If not, nothing is known yet. */
  readonly known?: boolean;
};

/** An org, and a stream that follows it. */
const stage = async (
  { known = true, beforeCall, takesHooks, callsPerSlice = 3, ...options }: OrgOptionsInput & Scene,
  play: (machine: Machine, org: TestOrg) => Promise<void>,
): Promise<void> => {
  stopTime();
  const org = await createOrg(CONNECTION, { users: 40, groups: 6, devices: 0, ...options });
  await org.control("POST", "/clock", { stop: true });
  const hidden = { ...(beforeCall && { beforeCall }), ...(takesHooks && { takesHooks }) };
  await withMachine({ org, stream: "users", callsPerSlice, ...hidden }, async (machine) => {
    for (const kind of known ? (["full", "delta"] as const) : []) {
      await machine.stream.startRun(kind);
      await machine.toRest();
    }
    await machine.passTime(10 * 60 * SECOND);
    await play(machine, org);
  });
};

const logCalls = async (org: TestOrg): Promise<number> => (await org.stats()).calls["GET /api/v1/logs"] ?? 0;

const equal = async (machine: Machine, org: TestOrg): Promise<void> =>
  expect(differences(machine.living(), expectedUsers(await org.dump()))).toEqual([]);

const active = async (org: TestOrg): Promise<string[]> =>
  (await org.dump()).users.filter(({ status }) => status === "ACTIVE").map(({ id }) => id);

/** Lets the machine work until then, or until it has nothing to do. @param until ms since the epoch */
const workUntil = async (machine: Machine, until: number): Promise<void> => {
  while (machine.alarm !== null && machine.alarm <= until) await machine.slice();
  if (Date.now() < until) await machine.passTime(until - Date.now());
};

describe.each([false, true])("changes that hooks tell, during a full run: %s", (busy) => {
  test("are in the inventory within 10 seconds", async () => {
    // With limits of 20 a window, a first full run waits most of the time.
    const limits = { windowMs: 60_000, limits: { "/api/v1/users": 20 } };
    await stage(busy ? { ...limits, known: false, users: long ? 300 : 60 } : {}, async (machine, org) => {
      const people = await active(org);
      if (busy) {
        await machine.stream.startRun("full");
        while (machine.living().size === 0) await machine.slice();
      }
      for (let n = 0; n < (long ? 50 : 6); n++) {
        const id = people[n % people.length] ?? "";
        const suspends = Math.floor(n / people.length) % 2 === 0;
        const event = await org.change<{ uuid?: string }>(
          "POST",
          `/users/${id}/${suspends ? "suspend" : "unsuspend"}`,
        );
        const happened = Date.now();
        await machine.passTime(SECOND);
        await machine.stream.hook([event.uuid ?? `event-${n}`]);
        await workUntil(machine, happened + 10 * SECOND);
        expect(machine.stream.inventory.assets.statusOf(id)).toBe(suspends ? "SUSPENDED" : "ACTIVE");
      }
      const { run } = await machine.stream.status();
      expect(run?.kind ?? null).toBe(busy ? "full" : null);
      await machine.toRest();
      await equal(machine, org);
      expect((await org.stats()).violations).toBe(0);
    });
  });
});

test("a poll because of a hook costs one call if nothing has happened, and is told as such", async () => {
  await stage({}, async (machine, org) => {
    const before = (await org.stats()).total;
    await machine.stream.hook([]);
    await machine.toRest();
    expect((await org.stats()).total - before).toBe(1);
    const [run] = machine.stream.runs();
    expect(run).toMatchObject({ kind: "delta", cause: "hook", state: "done" });
    const { last_hook_at: at, last_full: full } = await machine.stream.status();
    expect(Math.abs(Date.parse(at ?? "") - Date.now())).toBeLessThan(60 * SECOND);
    expect(full).toMatchObject({ state: "done" });
  });
});

test("an event that the log shows late is found by the polls after 5 and 15 seconds, and they end", async () => {
  await stage({ logDelayMs: 12 * SECOND }, async (machine, org) => {
    const [id = ""] = await active(org);
    await org.change("POST", `/users/${id}/suspend`);
    const before = await logCalls(org);
    await machine.stream.hook(["an event that the log shows under another uuid"]);
    const happened = Date.now();
    await workUntil(machine, happened + 60 * SECOND);
    expect(machine.stream.inventory.assets.statusOf(id)).toBe("SUSPENDED");
    expect(machine.alarm).toBeNull();
    // Each poll ends with a page; the one that finds the event reads one more at most.
    expect((await logCalls(org)) - before).toBeLessThanOrEqual(4);
  });
});

test("10,000 hooks in a minute, forged or not, cost fewer than 20 polls", async () => {
  await stage({}, async (machine, org) => {
    const before = await logCalls(org);
    for (let n = 1; n <= 10_000; n++) {
      await machine.stream.hook([`forged-${n}`]);
      if (n % 100 === 0) await workUntil(machine, Date.now() + 600);
    }
    await machine.toRest();
    expect((await logCalls(org)) - before).toBeLessThan(20);
    expect((await org.stats()).violations).toBe(0);
    await equal(machine, org);
  });
});

test("hooks that never come, come twice or come late change nothing about what the next cron finds", async () => {
  await stage({}, async (machine, org) => {
    const [lost = "", twice = "", late = ""] = await active(org);
    for (const id of [lost, twice, late]) await org.change("POST", `/users/${id}/suspend`);
    await machine.stream.hook([twice]);
    await machine.stream.hook([twice]);
    await machine.toRest();
    for (const id of [lost, twice, late])
      expect(machine.stream.inventory.assets.statusOf(id)).toBe("SUSPENDED");
    await org.change("POST", `/users/${lost}/unsuspend`);
    await machine.passTime(15 * 60 * SECOND);
    await machine.stream.wake("delta");
    await machine.toRest();
    expect(machine.stream.inventory.assets.statusOf(lost)).toBe("ACTIVE");
    await machine.stream.hook([late]);
    await machine.toRest();
    await equal(machine, org);
  });
});

test("a hook before the first run starts nothing, and survives an eviction after it", async () => {
  stopTime();
  const org = await createOrg(CONNECTION, { users: 10, groups: 2, devices: 0 });
  await withMachine({ org, stream: "users" }, async (machine) => {
    await machine.stream.hook(["x"]);
    await machine.toRest();
    expect(machine.stream.runs()).toEqual([]);
    await machine.stream.startRun("full");
    await machine.toRest();
    expect(machine.stream.runs()[0]).toMatchObject({ cause: "first", state: "done" });
    const [id = ""] = await active(org);
    await org.change("POST", `/users/${id}/suspend`);
    await machine.stream.hook([]);
    machine.evict();
    await machine.toRest();
    expect(machine.stream.inventory.assets.statusOf(id)).toBe("SUSPENDED");
  });
});

test("hooks that used to come are missed after a day with changes, and no more once one comes", async () => {
  await stage({}, async (machine, org) => {
    await machine.stream.hook([]);
    await machine.toRest();
    const [id = ""] = await active(org);
    await machine.passTime(3_600 * SECOND);
    await org.change("POST", `/users/${id}/suspend`);
    await machine.stream.wake("delta");
    await machine.toRest();
    const codes = async () => (await machine.stream.status()).attention.map(({ code }) => code);
    expect(await codes()).not.toContain("hooks_silent");
    await machine.passTime(24 * 3_600 * SECOND);
    expect(await codes()).toContain("hooks_silent");
    await machine.stream.hook([]);
    expect(await codes()).not.toContain("hooks_silent");
  });
});

test("hooks that are not wanted any more are not missed, and nor are they once they are wanted again", async () => {
  let wanted = true;
  await stage({ takesHooks: () => wanted }, async (machine, org) => {
    const [id = ""] = await active(org);
    const isMissed = async () =>
      (await machine.stream.status()).attention.some(({ code }) => code === "hooks_silent");
    const change = async (verb: "suspend" | "unsuspend", isTold: boolean) => {
      await machine.passTime(26 * 3_600 * SECOND);
      await org.change("POST", `/users/${id}/${verb}`);
      if (isTold) await machine.stream.hook([]);
      await machine.stream.wake("delta");
      await machine.toRest();
      await machine.passTime(2 * 3_600 * SECOND);
      return isMissed();
    };
    expect(await change("suspend", true)).toBe(false);
    expect(await change("unsuspend", false)).toBe(true);
    wanted = false;
    expect(await isMissed()).toBe(false);
    expect(await change("suspend", false)).toBe(false);
    wanted = true;
    expect(await isMissed()).toBe(false);
    await machine.stream.wake("delta");
    expect(await change("unsuspend", false)).toBe(true);
    expect(await change("suspend", true)).toBe(false);
  });
});

test.each(["a cron", "a person"])(
  "%s that asks for a delta run before the one of a hook has called Okta gets all of it",
  async (who) => {
    let killed = false;
    let isQuiet = true;
    const beforeCall = async () => isQuiet || killed;
    await stage({ beforeCall }, async (machine, org) => {
      const { calls: before } = await org.stats();
      isQuiet = false;
      await machine.stream.hook([]);
      await machine.slice();
      killed = true;
      expect(machine.stream.runs()[0]).toMatchObject({ cause: "hook", state: "running", calls: { made: 0 } });
      if (who === "a cron") await machine.stream.wake("delta");
      else await machine.stream.startRun("delta");
      await machine.toRest();
      const { calls } = await org.stats();
      const users = "GET /api/v1/users";
      expect((calls[users] ?? 0) - (before[users] ?? 0)).toBeGreaterThan(0);
      expect(machine.stream.runs()[0]).toMatchObject({ kind: "delta", state: "done" });
    });
  },
);

test("a hook does not wait for the many calls of a step of a full run", async () => {
  const paths: string[] = [];
  const isOfFactors = (path: string) => path.endsWith("/factors");
  let hook = async () => {};
  /** How many calls had been made when the hook came. */
  let before = 0;
  const beforeCall = async (path: string) => {
    paths.push(path);
    if (before === 0 && paths.filter(isOfFactors).length === 30) {
      before = paths.length;
      await hook();
    }
    return true;
  };
  // One slice could make all of the calls.
  await stage({ known: false, users: 120, callsPerSlice: 300, beforeCall }, async (machine, org) => {
    hook = () => machine.stream.hook([]);
    await machine.stream.startRun("full");
    await machine.toRest();
    const after = paths.slice(before);
    expect(after.filter(isOfFactors).length).toBeGreaterThan(30);
    // Six calls are under way at most, and the delta run asks the org who it is.
    expect(after.findIndex((path) => path.endsWith("/logs"))).toBeLessThanOrEqual(7);
    await equal(machine, org);
  });
});
