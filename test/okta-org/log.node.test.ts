import { describe, expect, test } from "vitest";
import { nextPage } from "../support/pages.ts";
import { field, listOf, testOrg } from "./support.ts";

const start = "/api/v1/logs?sortOrder=ASCENDING&limit=2";
const DAY = 86_400_000;

/** An org with no one in it but `count` users made by control, whose events the log holds. */
const orgWith = async (count: number, options: Parameters<typeof testOrg>[0] = {}) => {
  const t = testOrg({ users: 0, devices: 0, ...options });
  for (let i = 0; i < count; i++) {
    await t.control("POST", "/users", {
      id: `00u${i}`,
      status: "STAGED",
      profile: { login: `${i}@x.y`, email: "e" },
    });
  }
  return t;
};

const poll = async (t: ReturnType<typeof testOrg>, from: string) => {
  const events: Record<string, unknown>[] = [];
  for (let url = from; ; ) {
    const answer = await t.get(url);
    const page = listOf(answer);
    events.push(...page);
    const next = nextPage(answer);
    expect(next).not.toBeNull();
    if (page.length === 0) return { events, next: next ?? "" };
    url = next ?? "";
  }
};

describe("polling", () => {
  test("next is always there, stays where it is on an empty page, and goes on later", async () => {
    const t = await orgWith(5);
    const first = await poll(t, start);
    expect(first.events).toHaveLength(5);
    const again = await poll(t, first.next);
    expect(again).toEqual({ events: [], next: first.next });
    await t.control("POST", "/users/00u3/suspend");
    const later = await poll(t, first.next);
    expect(later.events.map((event) => event["eventType"])).toEqual(["user.lifecycle.suspend"]);
  });

  test("since counts, and a log that is empty gives a cursor that sees what follows", async () => {
    const t = await orgWith(0);
    const { next } = await poll(t, `${start}&since=${new Date().toISOString()}`);
    await t.control("POST", "/users", { profile: { login: "n@x.y", email: "n@x.y" } });
    expect((await poll(t, next)).events).toHaveLength(2);
    const future = new Date(Date.now() + 60_000).toISOString();
    expect((await poll(t, `${start}&since=${future}`)).events).toHaveLength(0);
  });

  test("late and reordered events are missed by bounded queries and found by polling", async () => {
    const t = await orgWith(0, { logDelayMs: 60_000, logShuffle: true, logDuplicates: 0.5, seed: 3 });
    const { next } = await poll(t, start);
    for (let i = 0; i < 20; i++)
      await t.control("POST", "/groups", { profile: { name: `G${i}`, description: null } });
    const until = new Date(Date.now() + 1000).toISOString();
    const bounded = listOf(await t.get(`/api/v1/logs?until=${until}&limit=100`));
    await t.control("POST", "/clock", { advance_ms: 30_000 });
    const half = await poll(t, next);
    await t.control("POST", "/clock", { advance_ms: 31_000 });
    const rest = await poll(t, half.next);
    const all = [...half.events, ...rest.events];
    expect(bounded.length).toBeLessThan(20);
    expect(new Set(all.map((event) => event["uuid"])).size).toBe(20);
    expect(all.length).toBeGreaterThan(20);
    const names = all.map((event) => JSON.stringify(event["target"]));
    expect(names).not.toEqual([...names].sort());
  });

  test("a filter selects by type; published cannot be filtered", async () => {
    const t = await orgWith(2);
    await t.control("POST", "/users/00u1/sign-in");
    const filter = encodeURIComponent('eventType eq "user.session.start" or eventType eq "x.y"');
    const { events } = await poll(t, `${start}&filter=${filter}`);
    expect(events).toHaveLength(1);
    expect(Reflect.get(Object(events[0]?.["actor"]), "id")).toBe("00u1");
    const refused = await t.get(`${start}&filter=${encodeURIComponent('published gt "2020-01-01"')}`);
    expect([refused.status, field(refused, "errorCode")]).toEqual([400, "E0000053"]);
    expect((await t.get("/api/v1/logs?limit=1001")).status).toBe(400);
  });

  test("an event of any type can be written: with its actor, outcome, reason and targets", async () => {
    const t = await orgWith(1);
    const { next } = await poll(t, start);
    const user = { id: "00u1", type: "User" };
    const given = { eventType: "user.account.lock", outcome: "FAILURE", reason: "LOCKED_OUT", actor: user };
    await t.control("POST", "/events", { ...given, targets: [{ id: "guo1", type: "Device" }] });
    const { events } = await poll(t, next);
    expect(events).toMatchObject([
      {
        eventType: "user.account.lock",
        outcome: { result: "FAILURE", reason: "LOCKED_OUT" },
        actor: user,
        target: [{ id: "guo1", type: "Device", alternateId: null, displayName: null }],
      },
    ]);
  });

  test("a filter so long that the links of the answer are too large is refused", async () => {
    const t = await orgWith(0);
    const filterOf = (types: number) =>
      Array.from({ length: types }, (_, n) => `eventType eq "some.type.${n}"`).join(" or ");
    const ask = (types: number) => t.get(`${start}&filter=${encodeURIComponent(filterOf(types))}`);
    expect((await ask(50)).status).toBe(200);
    const refused = await ask(120);
    expect([refused.status, field(refused, "errorCode")]).toEqual([414, "E0000256"]);
  });

  test("nothing is older than 90 days: neither events nor since nor cursors", async () => {
    const t = await orgWith(3);
    const { next } = await poll(t, start);
    await t.control("POST", "/clock", { advance_ms: 91 * DAY });
    const lost = await t.get(next);
    expect([lost.status, field(lost, "errorCode")]).toEqual([400, "E0000053"]);
    expect((await t.get(`${start}&since=${new Date().toISOString()}`)).status).toBe(400);
    expect((await poll(t, start)).events).toHaveLength(0);
  });

  test("a bounded query ends, and orders by published either way", async () => {
    const t = await orgWith(5);
    const descending = await t.all("/api/v1/logs?sortOrder=DESCENDING&limit=2");
    const ascending = await t.all(`/api/v1/logs?until=${new Date(Date.now() + 5000).toISOString()}&limit=2`);
    expect(descending.items).toHaveLength(5);
    expect(ascending.items).toEqual([...descending.items].reverse());
  });
});
