/** The history as callers see it. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Change, HistoryPage } from "../../src/contract/changes.ts";
import { call, createOrg, startRun, type TestOrg, untilIdle } from "../support/org.ts";

const CONNECTION = "t3";

const run = async (kind: "full" | "delta"): Promise<void> => {
  await startRun(CONNECTION, kind);
  await untilIdle(CONNECTION);
};

let org: TestOrg;
let jane: string;
beforeEach(async () => {
  org = await createOrg(CONNECTION, { users: 12, groups: 4, devices: 3, seed: 3 });
  const { id } = await org.change<{ id: string }>("POST", "/users?silent=true", {
    profile: { login: "jane@example.com", email: "jane@example.com", firstName: "Jane", lastName: "Doe" },
    status: "ACTIVE",
  });
  jane = id;
});
afterEach(() => reset());

const history = async (id: string, query = ""): Promise<HistoryPage> => {
  const response = await call(CONNECTION, "GET", `/v1/inventory/users/${id}/history${query}`);
  expect(response.status).toBe(200);
  return response.json();
};

const lines = async (query = ""): Promise<{ changes: Change[]; headers: Headers; status: number }> => {
  const response = await call(CONNECTION, "GET", `/v1/changes/users${query}`);
  const text = new TextDecoder().decode(await response.arrayBuffer());
  const changes = response.ok
    ? text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))
    : [];
  return { changes, headers: response.headers, status: response.status };
};

const lookUp = async (query: string, account = jane) => {
  const response = await call(CONNECTION, "GET", `/v1/enrichments/accounts/${account}${query}`);
  return {
    status: response.status,
    body: await response.json<{ okta: Record<string, never>; code?: string }>(),
  };
};

describe("an asset's history", () => {
  test("says nothing of what the first full run finds, and names the beginning of what is kept", async () => {
    await run("full");
    const { changes, next, kept_since } = await history(jane);
    expect({ changes, next }).toEqual({ changes: [], next: null });
    expect(Date.parse(kept_since ?? "")).toBeGreaterThan(Date.now() - 60_000);
    expect((await lines()).changes).toEqual([]);
  });

  test("has each change once, newest first, page by page", async () => {
    await run("full");
    for (const title of ["One", "Two", "Three"]) {
      await org.change("PATCH", `/users/${jane}`, { profile: { title } });
      await run("delta");
    }
    await run("full");
    const { changes } = await history(jane);
    expect(changes.map(({ fields }) => fields)).toEqual([
      [{ field: "title", before: "Two", after: "Three" }],
      [{ field: "title", before: "One", after: "Two" }],
      [{ field: "title", before: null, after: "One" }],
    ]);
    expect(changes[0]).toMatchObject({
      stream: "users",
      id: jane,
      name: "Jane Doe",
      kind: "updated",
      source: "log",
    });
    expect(changes[0]?.events).toMatchObject([{ type: "user.account.update_profile" }]);
    const first = await history(jane, "?limit=2");
    expect(first.changes).toEqual(changes.slice(0, 2));
    const second = await history(jane, `?limit=2&after=${first.next}`);
    expect(second).toMatchObject({ changes: changes.slice(2), next: null });
  });

  test("knows that a sign-in is no change", async () => {
    await run("full");
    await org.change("POST", `/users/${jane}/sign-in`);
    await run("delta");
    expect((await history(jane)).changes).toEqual([]);
  });

  test("of an unknown id is 404, and a wrong parameter is named", async () => {
    await run("full");
    const unknown = await call(CONNECTION, "GET", "/v1/inventory/users/00unobody/history");
    expect([unknown.status, (await unknown.json<{ code: string }>()).code]).toEqual([404, "not_found"]);
    const wrong = await call(CONNECTION, "GET", `/v1/inventory/users/${jane}/history?limit=0`);
    expect(await wrong.json()).toMatchObject({ code: "invalid_request", errors: [{ field: "query.limit" }] });
  });

  test("of a deleted asset remains, and ends with the deletion", async () => {
    await run("full");
    await org.change("POST", `/users/${jane}/delete`);
    await run("delta");
    const [newest] = (await history(jane)).changes;
    expect(newest).toMatchObject({ kind: "deleted", id: jane, name: "Jane Doe" });
    expect(newest?.events.map(({ type }) => type)).toContain("user.lifecycle.delete.completed");
  });

  test("has the changes of a group while the user is in it, and the group has its own", async () => {
    await run("full");
    const group = await org.change<{ id: string }>("POST", "/groups", {
      profile: { name: "Desk", description: null },
    });
    await run("delta");
    await org.change("POST", `/groups/${group.id}/users/${jane}`);
    await run("delta");
    await org.change("PATCH", `/groups/${group.id}`, { profile: { name: "Help Desk" } });
    await org.change("POST", `/groups/${group.id}/roles`, { type: "HELP_DESK_ADMIN" });
    await run("delta");
    await org.change("DELETE", `/groups/${group.id}/users/${jane}`);
    await run("delta");
    await org.change("PATCH", `/groups/${group.id}`, { profile: { name: "Later" } });
    await run("delta");
    const told = (await history(jane)).changes.map(({ id, fields }) => [
      id === jane ? "jane" : id,
      fields[0],
    ]);
    expect(told).toEqual([
      ["jane", { field: "groups", added: [], removed: ["Help Desk"] }],
      [group.id, { field: "admin_roles", added: ["Help Desk Administrator"], removed: [] }],
      [group.id, { field: "name", before: "Desk", after: "Help Desk" }],
      ["jane", { field: "groups", added: ["Desk"], removed: [] }],
    ]);
    const ofGroup = (await history(group.id)).changes;
    expect(ofGroup.map(({ kind, name }) => [kind, name])).toEqual([
      ["updated", "Later"],
      ["updated", "Help Desk"],
      ["updated", "Help Desk"],
      ["created", "Desk"],
    ]);
  });
});

describe("all changes", () => {
  test("come in the order of their numbers, page by page, with the rules of the inventory", async () => {
    await run("full");
    await org.churn(20);
    await run("delta");
    const { changes, headers } = await lines();
    const numbers = changes.map(({ sequence }) => sequence);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(headers.get("X-Last-Sequence")).toBe(String(numbers.at(-1)));
    expect(headers.get("Link")).toBeNull();
    const paged: Change[] = [];
    for (let after = "0"; ; ) {
      const page = await lines(`?limit=3&after=${after}`);
      paged.push(...page.changes);
      if (page.headers.get("Link") === null) break;
      after = page.headers.get("X-Last-Sequence") ?? "";
    }
    expect(paged).toEqual(changes);
    const inventory = await call(CONNECTION, "GET", "/v1/inventory/users?limit=1");
    expect(headers.get("X-Inventory")).toBe(inventory.headers.get("X-Inventory"));
  });

  test("after a number that was never given out are a conflict", async () => {
    await run("full");
    const response = await call(CONNECTION, "GET", `/v1/changes/users?after=${Number.MAX_SAFE_INTEGER}`);
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      409,
      "sequence_ahead",
    ]);
  });
});

describe("a look-up", () => {
  test("with include=history has the last ten changes", async () => {
    await run("full");
    for (let n = 0; n < 11; n++) {
      await org.change("PATCH", `/users/${jane}`, { profile: { title: `Title ${n}` } });
      await run("delta");
    }
    const { body } = await lookUp("?include=history");
    const recent: Change[] = body.okta["recent_changes"] ?? expect.fail();
    expect(recent.map(({ fields }) => fields[0])).toMatchObject(
      Array.from({ length: 10 }, (_, n) => ({ field: "title", after: `Title ${10 - n}` })),
    );
    expect((await lookUp("")).body.okta).not.toHaveProperty("recent_changes");
  });

  test("with at answers what was so then, without a call to Okta", async () => {
    await run("full");
    const before = new Date().toISOString();
    await scheduler.wait(5);
    await org.change("POST", `/users/${jane}/suspend`);
    await run("delta");
    await org.resetStats();
    for (const [at, status] of [
      [before, "ACTIVE"],
      [new Date().toISOString(), "SUSPENDED"],
    ] as const) {
      const { body } = await lookUp(`?at=${at}`, "jane@example.com");
      expect(body.okta).toMatchObject({
        success: true,
        found: true,
        extracted: { user_id: jane, status, mfa_enrolled: false, is_admin: false },
        as_of: at,
        cached: false,
        stale: false,
        incomplete: [{ field: "devices", reason: "not_in_history", last_known: null }],
      });
    }
    expect((await org.stats()).total).toBe(0);
  });

  test.each([
    ["?at=yesterday", "query.at"],
    ["?at=2026-11-25T08:00:00", "query.at"],
    ["?at=2999-01-01T00:00:00Z", "query.at"],
    ["?at=2026-11-25T08:00:00Z&refresh=true", "query.at"],
    ["?include=everything", "query.include"],
  ])("%s is refused, and says why", async (query, field) => {
    await run("full");
    const { status, body } = await lookUp(query);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_request", errors: [{ field }] });
  });

  test("for a moment before the history has everything unknown, and says why", async () => {
    await run("full");
    const created = await lookUp("?at=2001-01-01T00:00:00Z");
    expect(created.body.okta).toMatchObject({
      success: true,
      found: false,
      as_of: "2001-01-01T00:00:00.000Z",
    });
    const other = (await org.dump()).users.find(({ id, created }) => id !== jane && created < "2026-01-01");
    const { body } = await lookUp("?at=2026-01-02T00:00:00Z", other?.id ?? expect.fail());
    expect(body.okta).toMatchObject({
      found: true,
      extracted: { status: null, groups: null, mfa_enrolled: null, is_admin: null, login: null },
    });
    const reasons = body.okta["incomplete"] as readonly { reason: string }[] | undefined;
    expect(new Set(reasons?.map(({ reason }) => reason))).toEqual(new Set(["not_in_history"]));
  });
});
