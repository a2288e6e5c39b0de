/** Another Okta org answers at the connection's base URL, or the same one at another. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import { connectionOf } from "../../src/config/connections.ts";
import type { Connection } from "../../src/config/types.ts";
import type { RunKind } from "../../src/contract/status.ts";
import { users } from "../../src/streams/users.ts";
import type { Stream } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg, differences, expectedUsers, type Json, newestById, TestOrg } from "../support/org.ts";

const CONNECTION = "t8";
const SIZE = { users: 40, groups: 6, devices: 0, seed: 8 };
const OTHER_ID = "00oOTHERorgOTHERorg0";
const place = { connection: CONNECTION, stream: "users", definition: users } as const;

afterEach(() => reset());

/** The connection's settings; a test changes them. */
let settings: Connection;
let org: TestOrg;
beforeEach(async () => {
  const own = connectionOf(env, CONNECTION);
  if (own === null) throw new Error("the test settings have no such connection");
  settings = { ...own, subrequestsPerSlice: 4 };
  org = await createOrg(CONNECTION, SIZE);
});

const moveTo = (connection: string): void => {
  settings = { ...settings, baseUrl: `https://${connection}.okta.com` };
};

const withOrg = (work: (stream: Stream, storage: DurableObjectStorage) => Promise<void>): Promise<void> =>
  withStream({ ...place, settings: () => settings }, work);

const slices = async (stream: Stream, count: number): Promise<void> => {
  for (let n = 0; n < count; n++) {
    await stream.alarm();
    await scheduler.wait(1);
  }
};

/** Lets the alarms work until no run is in progress, or until the run is held. */
const rest = async (stream: Stream): Promise<void> => {
  for (;;) {
    const { run, state } = await stream.status();
    if (run === null || state === "held") return;
    await stream.alarm();
    await scheduler.wait(1); // so that time passes for a run that waits
  }
};

const run = async (stream: Stream, kind: RunKind): Promise<void> => {
  const answer = await stream.startRun(kind);
  if (!answer.ok) throw new Error(answer.error.message);
  await rest(stream);
};

const events = (stream: Stream): Json[] =>
  stream.events
    .page({ after: 0, limit: 10_000, dialect: "sekoia" })
    .events.map(({ json }) => JSON.parse(json));

const expectEqual = async (stream: Stream, of: TestOrg): Promise<void> => {
  const living = newestById(
    events(stream).filter((event) => !JSON.stringify(event).includes('"is_deleted":true')),
  );
  expect(differences(living, expectedUsers(await of.dump()))).toEqual([]);
};

/** The paths that the org was asked for. */
const pathsAsked = async (of: TestOrg): Promise<string[]> => Object.keys((await of.stats()).calls);
const IDENTITY = "GET /.well-known/okta-organization";

const others: readonly [string, OrgOptionsInput][] = [
  ["of the same size and with the same people", SIZE],
  ["that has a quarter of the people", { ...SIZE, users: 10 }],
  ["that is three times as large", { ...SIZE, users: 120 }],
  ["that has nobody in common", { ...SIZE, seed: 9 }],
  ["that is empty", { ...SIZE, users: 0 }],
];

describe.each(others)("another org %s", (_, options) => {
  const other = () => createOrg("t9", { ...options, orgId: OTHER_ID });

  test("behind another base URL is not read, until the base URL is corrected", async () => {
    const second = await other();
    await withOrg(async (stream) => {
      await run(stream, "full");
      const before = events(stream);
      moveTo("t9");
      for (const kind of ["delta", "full"] as const) {
        await run(stream, kind);
        const status = await stream.status();
        expect(status).toMatchObject({
          state: "held",
          org_id: (await org.dump()).orgId,
          held_deletions: 0,
          attention: [{ code: "org_changed", severity: "error", detail: expect.stringContaining(OTHER_ID) }],
        });
        expect(status.attention[0]?.remedy).toContain(`{"org_id": "${OTHER_ID}"}`);
        expect(events(stream)).toEqual(before);
      }
      expect(await pathsAsked(second)).toEqual([IDENTITY]);

      moveTo(CONNECTION);
      await org.churn(10);
      for (const kind of ["delta", "full"] as const) await run(stream, kind);
      expect(await stream.status()).toMatchObject({ state: "idle", attention: [] });
      await expectEqual(stream, org);
    });
  });

  test("in the middle of a list is not read, and the list goes on once the base URL is corrected", async () => {
    const second = await other();
    await withOrg(async (stream) => {
      await run(stream, "full");
      await stream.startRun("full");
      while ((await stream.status()).run?.phase !== "factors") await slices(stream, 1);
      const before = events(stream);
      moveTo("t9");
      await slices(stream, 5);
      expect(await stream.status()).toMatchObject({ state: "held", run: { kind: "full", state: "running" } });
      expect(events(stream)).toEqual(before);
      expect(await pathsAsked(second)).toEqual([IDENTITY]);

      moveTo(CONNECTION);
      await run(stream, "full");
      expect(await stream.status()).toMatchObject({ state: "idle", last_full: { state: "done" } });
      expect(stream.runs().filter(({ kind }) => kind === "full")).toHaveLength(2);
      await expectEqual(stream, org);
    });
  });

  test("behind the same URL is not read, and nobody is deleted", async () => {
    await withOrg(async (stream) => {
      await run(stream, "full");
      const before = events(stream);
      const second = await createOrg(CONNECTION, { ...options, orgId: OTHER_ID });
      await run(stream, "delta");
      await run(stream, "full");
      expect(await stream.status()).toMatchObject({
        state: "held",
        held_deletions: 0,
        attention: [{ code: "org_changed" }],
      });
      expect(events(stream)).toEqual(before);
      for (const path of await pathsAsked(second)) expect([IDENTITY, "GET /api/v1/logs"]).toContain(path);
    });
  });

  test("is read after a reset that names it, and the old inventory is gone", async () => {
    const second = await other();
    await withOrg(async (stream, storage) => {
      await run(stream, "full");
      const { head, inventory } = await stream.status();
      moveTo("t9");
      await run(stream, "full");

      const wrong = await stream.reset((await org.dump()).orgId);
      expect(wrong).toMatchObject({
        ok: false,
        error: { code: "conflict", message: expect.stringContaining(OTHER_ID) },
      });
      expect((await stream.status()).assets.total).toBe(SIZE.users);

      expect(await stream.reset(OTHER_ID)).toMatchObject({
        ok: true,
        value: { kind: "full", cause: "first", state: "running" },
      });
      expect(await storage.getAlarm()).not.toBeNull();
      expect((await stream.status()).assets).toMatchObject({ total: 0, deleted: 0 });
      await rest(stream);
      const after = await stream.status();
      expect(after).toMatchObject({ org_id: OTHER_ID, attention: [] });
      expect(after.inventory).not.toBe(inventory);
      await expectEqual(stream, second);
      for (const { sequence } of stream.events.page({ after: 0, limit: 10_000, dialect: "ocsf" }).events)
        expect(sequence).toBeGreaterThan(head);
      // Every run that was answered is still in the history.
      expect(stream.runs().map(({ cause }) => cause)).toEqual(["first", "request", "first"]);
    });
  });
});

describe("the same org", () => {
  const alias = new TestOrg("t10");
  beforeEach(async () => {
    org = await createOrg(CONNECTION, { ...SIZE, users: 250 });
    await alias.control("POST", "/alias", { of: `${CONNECTION}.okta.com` });
  });

  test("under a new domain goes on by itself", async () => {
    await withOrg(async (stream) => {
      await run(stream, "full");
      moveTo("t10");
      await org.churn(10);
      await run(stream, "delta");
      await rest(stream);
      await run(stream, "delta");
      expect(await stream.status()).toMatchObject({ state: "idle", attention: [] });
      await expectEqual(stream, org);
      const [event] = stream.events.page({ after: 0, limit: 1, dialect: "ocsf" }).events;
      expect(event?.json).toContain("t10.okta.com");
      expect(event?.json).not.toContain("t8.okta.com");
    });
  });

  test.each(["users", "memberships", "factors"])(
    "under a new domain in the middle of the phase %s goes on",
    async (phase) => {
      await withOrg(async (stream) => {
        settings = { ...settings, subrequestsPerSlice: 1 };
        await stream.startRun("full");
        while ((await stream.status()).run?.phase !== phase) await slices(stream, 1);
        settings = { ...settings, subrequestsPerSlice: 40 };
        moveTo("t10");
        await rest(stream);
        expect(await stream.status()).toMatchObject({
          state: "idle",
          last_full: { state: "done", cause: "first" },
        });
        await expectEqual(stream, org);
      });
    },
  );

  test("with another credential goes on", async () => {
    await withOrg(async (stream) => {
      await run(stream, "full");
      await org.restrict({ token: "renewed" });
      settings = { ...settings, credential: { kind: "ssws", token: "renewed" } };
      await run(stream, "delta");
      expect(await stream.status()).toMatchObject({
        state: "idle",
        attention: [],
        last_delta: { state: "done" },
      });
    });
  });
});

describe("an org that does not say who it is", () => {
  const hide = () => org.fault({ kind: "404", match: { path: "/.well-known" } });

  test("is followed without deletions by absence while the settings are the same", async () => {
    await withOrg(async (stream) => {
      await run(stream, "full");
      await hide();
      const [gone] = (await org.dump()).users;
      await org.change("POST", `/users/${gone?.id}/deactivate?silent=true`);
      await org.change("POST", `/users/${gone?.id}/delete?silent=true`);
      await run(stream, "full");
      expect(await stream.status()).toMatchObject({
        state: "idle",
        held_deletions: 0,
        assets: { total: SIZE.users, deleted: 0 },
        last_full: { state: "done" },
      });
      await org.clearFaults();
      await run(stream, "full");
      expect((await stream.status()).assets).toMatchObject({ total: SIZE.users - 1, deleted: 1 });
    });
  });

  test("is waited for once the base URL has changed", async () => {
    const second = await createOrg("t9", { ...SIZE, orgId: OTHER_ID });
    await second.fault({ kind: "404", match: { path: "/.well-known" } });
    await withOrg(async (stream) => {
      await run(stream, "full");
      const before = events(stream);
      moveTo("t9");
      await stream.startRun("delta");
      await slices(stream, 2);
      const status = await stream.status();
      expect(status).toMatchObject({ state: "backing_off", run: { error: { code: "unavailable" } } });
      expect(events(stream)).toEqual(before);
      expect(await pathsAsked(second)).toEqual([IDENTITY]);
      expect(await stream.reset(OTHER_ID)).toMatchObject({ ok: false, error: { code: "unavailable" } });
    });
  });
});

describe("a first run", () => {
  test.each(["group_roles", "memberships", "admin_roles"])(
    "in phase %s does not go on in another org, although there is no asset yet",
    async (phase) => {
      const second = await createOrg("t9", { ...SIZE, seed: 9, orgId: OTHER_ID });
      await withOrg(async (stream) => {
        settings = { ...settings, subrequestsPerSlice: 1 };
        await stream.startRun("full");
        while ((await stream.status()).run?.phase !== phase) await slices(stream, 1);
        settings = { ...settings, subrequestsPerSlice: 40 };
        expect((await stream.status()).assets.total).toBe(0);
        moveTo("t9");
        await rest(stream);
        expect(await stream.status()).toMatchObject({
          state: "held",
          org_id: (await org.dump()).orgId,
          attention: [{ code: "org_changed" }],
        });
        expect(await pathsAsked(second)).toEqual([IDENTITY]);

        expect(await stream.reset(OTHER_ID)).toMatchObject({ ok: true });
        await rest(stream);
        await expectEqual(stream, second);
      });
    },
  );

  test("that has stored nothing goes on at the base URL that a person corrects", async () => {
    const second = await createOrg("t9", { ...SIZE, seed: 9, orgId: OTHER_ID });
    await org.fault({ kind: "401", match: { path: "/api/v1/groups" } });
    await withOrg(async (stream) => {
      await stream.startRun("full");
      await slices(stream, 2);
      expect(await stream.status()).toMatchObject({ org_id: (await org.dump()).orgId, state: "backing_off" });
      moveTo("t9");
      await run(stream, "full");
      expect(await stream.status()).toMatchObject({ org_id: OTHER_ID, state: "idle", attention: [] });
      await expectEqual(stream, second);
    });
  });
});

test("many look-ups that ask at once after a change of the credential ask the org once, and all may go on", async () => {
  await withOrg(async (stream) => {
    await run(stream, "full");
    const before = (await org.stats()).calls[IDENTITY] ?? 0;
    await org.fault({ kind: "slow", ms: 50, match: { path: "/.well-known" } });
    settings = { ...settings, credential: { kind: "ssws", token: "renewed" } };
    const verdicts = await Promise.all(Array.from({ length: 30 }, () => stream.orgVerdict()));
    expect(new Set(verdicts)).toEqual(new Set(["same"]));
    expect((await org.stats()).calls[IDENTITY]).toBe(before + 1);
  });
});

test("while the base URL leads to another host, the inventory answers for nobody", async () => {
  await withOrg(async (stream) => {
    await run(stream, "full");
    const [person] = (await org.dump()).users;
    const login = String(person?.profile["login"]);
    expect(stream.account(login)).toMatchObject({ found: "one" });
    moveTo("t9");
    expect(stream.account(login)).toEqual({ found: "none" });
  });
});
