/** A busy log, and much that it makes stale. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { withMachine } from "../support/machine.ts";
import { createOrg, type Json } from "../support/org.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t7";
const DAY_MS = 86_400_000;

afterEach(() => reset());

test("what many changes make stale is read administrators first, and whoever waits for a poll does not wait for it", async () => {
  stopTime();
  const org = await createOrg(CONNECTION, { users: 120, groups: 3 });
  await org.control("POST", "/clock", { stop: true });
  const read: string[] = [];
  const beforeCall = async (path: string) => {
    const [, id] = /\/users\/([^/]+)\/factors$/.exec(path) ?? [];
    if (id !== undefined) read.push(id);
    return true;
  };
  await withMachine({ org, stream: "users", callsPerSlice: 5, beforeCall }, async (machine) => {
    for (const kind of ["full", "delta"] as const) {
      await machine.stream.startRun(kind);
      await machine.toRest();
    }
    await machine.passTime(600_000);
    const dump = await org.dump();
    const holders = dump.users.filter(
      ({ status, factors }) => status !== "DEPROVISIONED" && factors.length > 0,
    );
    const giving = dump.groups.filter(({ roles }) => roles.length > 0).map(({ id }) => id);
    const isAdmin = ({ roles, groups }: (typeof holders)[number]) =>
      roles.length > 0 || groups.some((id) => giving.includes(id));
    const admins = holders.filter(isAdmin).map(({ id }) => id);
    expect(admins.length).toBeGreaterThan(1);
    expect(holders.length).toBeGreaterThan(admins.length + 20);
    const someone = dump.users.find(({ status }) => status === "ACTIVE") ?? expect.fail();
    read.length = 0;
    await org.control("POST", "/events", { eventType: "system.mfa.factor.deactivate" });
    await machine.stream.wake("delta");
    while (read.length < admins.length) await machine.slice();
    await org.change("POST", `/users/${someone.id}/suspend`);
    await machine.stream.hook([]);
    while (machine.stream.inventory.assets.statusOf(someone.id) === "ACTIVE") await machine.slice();
    expect(read.length).toBeLessThan(admins.length + 20);
    await machine.toRest();
    expect(new Set(read.slice(0, admins.length))).toEqual(new Set(admins));
    // Each is read once.
    expect(read.sort()).toEqual(holders.map(({ id }) => id).sort());
  });
});

test("a filter that has changed reads the last minutes of the log again, and what it told before counts once", async () => {
  stopTime();
  const org = await createOrg(CONNECTION, { users: 20, groups: 3 });
  await org.control("POST", "/clock", { stop: true });
  await withMachine({ org, stream: "users" }, async (machine) => {
    const run = async (kind: "full" | "delta") => {
      await machine.stream.startRun(kind);
      await machine.toRest();
    };
    await run("full");
    await run("delta");
    await machine.passTime(600_000);
    const { users: people, groups } = await org.dump();
    const someone = people.find(({ status }) => status === "ACTIVE")?.id ?? expect.fail();
    const group = groups.find(({ type }) => type === "OKTA_GROUP")?.id ?? expect.fail();
    for (const method of ["POST", "DELETE", "POST", "DELETE"]) {
      await org.change(method, `/groups/${group}/users/${someone}`);
      await org.change("POST", `/users/${someone}/sign-in`);
      await machine.passTime(10);
    }
    await org.change("POST", `/users/${someone}/suspend`);
    await run("delta");
    const { head } = machine.stream.inventory.assets;
    machine.storage.sql.exec(
      "UPDATE meta SET value = json_set(value, '$.filter', 'eventType eq \"another\"') WHERE key = 'log'",
    );
    const logCalls = async () => (await org.stats()).calls["GET /api/v1/logs"] ?? 0;
    const before = await logCalls();
    await run("delta");
    expect((await logCalls()) - before).toBeGreaterThan(0);
    expect(machine.stream.inventory.assets.head).toBe(head);
    // The filter is the present one from now on.
    const once = await logCalls();
    await run("delta");
    expect((await logCalls()) - once).toBe(1);
  });
});

test("a day of 10,000 sign-ins is one event for each user who signed in, and the night after it none", async () => {
  stopTime();
  const org = await createOrg(CONNECTION, { users: 30, groups: 2 });
  await org.control("POST", "/clock", { stop: true });
  /** Log events that the org's own log does not have. */
  let pages: Json[][] = [];
  const answer: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    url.searchParams.delete("more");
    const page = url.pathname === "/api/v1/logs" ? pages.shift() : undefined;
    if (page === undefined) return fetch(url, init);
    url.searchParams.set("more", `${pages.length}`);
    return Response.json(page, { headers: { link: `<${url.href}>; rel="next"` } });
  };
  await withMachine({ org, stream: "users", pageSize: 1_000, fetch: answer }, async (machine) => {
    const run = async (kind: "full" | "delta") => {
      await machine.stream.startRun(kind);
      await machine.toRest();
    };
    await run("full");
    await run("delta");
    await machine.passTime(DAY_MS);
    const people = (await org.dump()).users.filter(({ status }) => status === "ACTIVE").map(({ id }) => id);
    // The last one of each is in the org's own log, and in its records.
    let end = 0;
    for (const id of people) {
      const user = await org.change("POST", `/users/${id}/sign-in`);
      end = Date.parse(String(user["lastLogin"]));
    }
    const signIns = Array.from({ length: 10_000 }, (_, n): Json => {
      const id = people[n % people.length] ?? "";
      return {
        uuid: `sign-in-${n}`,
        eventType: "user.session.start",
        published: new Date(end - DAY_MS + Math.floor((n * (DAY_MS - 60_000)) / 10_000)).toISOString(),
        outcome: { result: "SUCCESS" },
        actor: { id, type: "User" },
        target: [],
      };
    });
    const { head } = machine.stream.inventory.assets;
    pages = Array.from({ length: 10 }, (_, n) => signIns.slice(1_000 * n, 1_000 * (n + 1)));
    await run("delta");
    const { events } = machine.stream.events.page({ after: head, limit: 100_000, dialect: "sekoia" });
    expect(events.map(({ assetId }) => assetId).sort()).toEqual([...people].sort());
    const { head: evening } = machine.stream.inventory.assets;
    await machine.passTime(3_600_000);
    await run("full");
    const again = machine.stream.events.page({ after: evening, limit: 100_000, dialect: "sekoia" });
    expect(again.events).toEqual([]);
  });
});
