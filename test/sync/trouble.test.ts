/** What fails is told while it lasts, and made up for once it is mended. */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { Attention } from "../../src/contract/status.ts";
import { statusMetrics } from "../../src/http/metrics.ts";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg, type TestOrg } from "../support/org.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t19";
const MINUTE_MS = 60_000;

afterEach(() => reset());

const stage = async (play: (machine: Machine, org: TestOrg) => Promise<void>): Promise<void> => {
  stopTime();
  const org = await createOrg(CONNECTION, { users: 12, groups: 3 });
  await org.control("POST", "/clock", { stop: true });
  await withMachine({ org, stream: "users" }, async (machine) => {
    await machine.stream.startRun("full");
    await machine.toRest();
    await play(machine, org);
  });
};

const seen = async (machine: Machine) => {
  const { state, detail, attention } = await machine.stream.status();
  return { state, detail, codes: attention.map(({ code }: Attention) => code) };
};

/** Whether the metrics call the last delta run a success. */
const success = async (machine: Machine): Promise<number | undefined> => {
  const families = statusMetrics([await machine.stream.status()]);
  const family = families.find(({ name }) => name === "okta_edge_last_run_success");
  return family?.samples.find(({ labels }) => labels?.["kind"] === "delta")?.value;
};

/** What the metrics say of a code of attention. */
const needs = async (machine: Machine, code: Attention["code"]): Promise<number | undefined> => {
  const families = statusMetrics([await machine.stream.status()]);
  const family = families.find(({ name }) => name === "okta_edge_attention");
  return family?.samples.find(({ labels }) => labels?.["code"] === code)?.value;
};

test("a credential that Okta refuses is told at the second refusal, and fails the stream after 10 minutes", async () => {
  await stage(async (machine, org) => {
    await machine.stream.startRun("delta");
    await machine.toRest();
    expect(await seen(machine)).toEqual({ state: "idle", detail: null, codes: [] });
    expect(await success(machine)).toBe(1);

    await org.restrict({ token: "revoked" });
    const from = Date.now();
    await machine.stream.wake("delta");
    await machine.slice();
    expect(await seen(machine)).toMatchObject({ state: "backing_off", codes: [] });
    await machine.slice();
    expect(Date.now() - from).toBeLessThan(15_000);
    const refused = await machine.stream.status();
    expect(refused).toMatchObject({
      state: "backing_off",
      attention: [{ code: "credential_rejected", severity: "error" }],
    });
    expect(refused.attention[0]?.detail).toContain("401");
    expect(refused.attention[0]?.remedy).toContain("OKTA_API_TOKEN");
    expect(await success(machine)).toBe(0);

    const told = Date.parse(refused.attention[0]?.since ?? "");
    while (Date.now() < told + 10 * MINUTE_MS) await machine.slice();
    expect(await seen(machine)).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("Create a token under Security > API > Tokens"),
      codes: ["credential_rejected"],
    });
    // Nobody has touched it since: it was told once, and it is tried on all the same.
    expect((await machine.stream.status()).attention[0]?.since).toBe(refused.attention[0]?.since);
    expect(machine.alarm).not.toBeNull();

    await org.restrict({ token: "sim-token" });
    await machine.toRest();
    expect(await seen(machine)).toEqual({ state: "idle", detail: null, codes: [] });
    expect(await success(machine)).toBe(1);
  });
});

test("what concerns the whole org is over for a full run as soon as a delta run succeeds", async () => {
  await stage(async (machine, org) => {
    await org.restrict({ token: "revoked" });
    await machine.stream.startRun("full");
    // Long enough refused that the next try of the full run is minutes away.
    while (
      (await machine.stream.status()).run?.error === null ||
      machine.alarm === null ||
      machine.alarm - Date.now() < 2 * MINUTE_MS
    )
      await machine.slice();
    await org.restrict({ token: "sim-token" });
    const from = Date.now();
    await machine.stream.startRun("delta");
    await machine.toRest();
    expect(await seen(machine)).toEqual({ state: "idle", detail: null, codes: [] });
    expect(Date.now() - from).toBeLessThan(MINUTE_MS);
  });
});

test.each([
  ["is down", "503"],
  ["is so slow that its gateway gives up", "504"],
] as const)(
  "an org that %s for two hours leaves an inventory that is not current, which is said",
  async (_, kind) => {
    await stage(async (machine, org) => {
      await machine.stream.startRun("delta");
      await machine.toRest();
      const before = await machine.stream.status();
      const ended = Date.parse(before.last_delta?.finished_at ?? "");
      await org.fault({ kind });
      await machine.stream.wake("delta");
      await machine.toRest();
      const during = await machine.stream.status();
      // Runs that could read nothing are no successes, and bring nothing up to date.
      expect(during).toMatchObject({
        state: "failed",
        detail: expect.stringContaining(kind),
        attention: [],
        current_as_of: before.current_as_of,
        last_delta: { state: "failed", error: { code: "incomplete", phase: "log" } },
      });
      expect(await success(machine)).toBe(0);

      await machine.passTime(ended + 120 * MINUTE_MS - Date.now());
      expect((await machine.stream.status()).attention).toMatchObject([
        { code: "stale", severity: "warning", since: new Date(ended + 120 * MINUTE_MS).toISOString() },
      ]);
      expect(await needs(machine, "stale")).toBe(1);

      // What happened meanwhile without the log telling is still found by the searches.
      const [user] = (await org.dump()).users.filter(({ status }) => status === "ACTIVE");
      await org.change("POST", `/users/${user?.id}/suspend?silent=true`);
      await machine.passTime(30 * MINUTE_MS);
      await org.clearFaults();
      await machine.stream.wake("delta");
      await machine.toRest();
      expect(await seen(machine)).toEqual({ state: "idle", detail: null, codes: [] });
      expect(machine.stream.inventory.assets.statusOf(user?.id ?? "")).toBe("SUSPENDED");
      expect(await needs(machine, "stale")).toBe(0);
    });
  },
);

describe("an outage while what has changed is read", () => {
  const asked = (id: string) => ({ path: `^/api/v1/users/${id}$` });

  test("loses nothing: the delta run fails, and the next one reads it", async () => {
    await stage(async (machine, org) => {
      const [first = "", second = ""] = (await org.dump()).users.flatMap(({ id, status }) =>
        status === "ACTIVE" ? [id] : [],
      );
      await machine.stream.startRun("delta");
      await machine.toRest();
      for (const id of [first, second]) await org.change("POST", `/users/${id}/suspend?silent=false`);
      await org.change("POST", `/users/${second}/deactivate`);
      await org.change("POST", `/users/${second}/delete`);
      // Searches would find the suspension, too.
      await org.fault({ kind: "400", match: { path: "search=" } });
      await org.fault({ kind: "503", match: { path: "^/api/v1/users/[^/]+$" } });
      await machine.stream.wake("delta");
      await machine.toRest();
      expect((await machine.stream.status()).last_delta).toMatchObject({
        state: "failed",
        error: { code: "incomplete", message: expect.stringContaining("503") },
      });
      await org.clearFaults();
      await machine.stream.hook([]);
      await machine.toRest();
      const { last_delta: last, assets } = await machine.stream.status();
      expect(last).toMatchObject({ state: "done", error: null });
      expect(machine.stream.inventory.assets.statusOf(first)).toBe("SUSPENDED");
      expect(assets.deleted).toBe(1);
    });
  });

  test("of one thing for ever keeps nothing else from being read, and is given up after four runs", async () => {
    await stage(async (machine, org) => {
      const ids = (await org.dump()).users
        .flatMap(({ id, status }) => (status === "ACTIVE" ? [id] : []))
        .sort();
      const [poison = "", other = ""] = ids;
      await org.fault({ kind: "500", match: asked(poison) });
      for (const id of [poison, other]) await org.change("POST", `/users/${id}/suspend`);
      const states: string[] = [];
      for (let n = 0; n < 5; n++) {
        await machine.stream.hook([]);
        await machine.toRest();
        await machine.passTime(MINUTE_MS);
        states.push((await machine.stream.status()).last_delta?.state ?? "");
        expect(machine.stream.inventory.assets.statusOf(other)).toBe("SUSPENDED");
      }
      expect(states).toEqual(["failed", "failed", "failed", "done", "done"]);
    });
  });
});
