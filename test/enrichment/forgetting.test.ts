/** Forgetting the cached look-ups of accounts that a run has seen change, while KV fails. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { invalidateAccounts, type Kv } from "../../src/enrichment/cache.ts";
import { enrichmentMetrics } from "../../src/http/routes/enrichments.ts";
import { untilIdle } from "../support/org.ts";
import { newOrg, type Org } from "./support.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A KV namespace in which these users are cached. */
const kvWith = (...users: string[]) => {
  const stored = new Map(users.map((user) => [`org/user/${user}`, "an account"]));
  const kv: Kv = {
    get: async (key) => stored.get(key) ?? null,
    put: async (key, value) => {
      stored.set(key, value);
    },
  };
  const isForgotten = (user: string) => stored.get(`org/user/${user}`) !== "an account";
  return { kv, isForgotten };
};

describe("users whose cached look-ups are forgotten", () => {
  it.each(["get", "put"] as const)("are all tried when %s fails for one", async (method) => {
    const { kv, isForgotten } = kvWith("a", "b", "c");
    const orFail =
      <A extends unknown[], T>(work: (key: string, ...rest: A) => Promise<T>) =>
      (key: string, ...rest: A): Promise<T> =>
        key.endsWith("b") ? Promise.reject(new Error("KV failed: 500")) : work(key, ...rest);
    const failing: Kv = {
      get: method === "get" ? orFail(kv.get) : kv.get,
      put: method === "put" ? orFail(kv.put) : kv.put,
    };
    expect(await invalidateAccounts(failing, "org", ["a", "b", "c"], 1000)).toEqual(["b"]);
    expect(["a", "b", "c"].map(isForgotten)).toEqual([true, false, true]);
  });

  it("are given back when KV does not answer, and no more than six are waited for at a time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const users = Array.from({ length: 20 }, (_, index) => `u${index}`);
    const get = vi.fn(() => new Promise<null>(() => {}));
    const forgetting = invalidateAccounts({ get, put: async () => {} }, "org", users, 1000);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(get).toHaveBeenCalledTimes(6);
    await vi.advanceTimersByTimeAsync(1);
    expect(await forgetting).toEqual(users);
  });
});

const statusOf = async (org: Org, user: string) => (await org.ask(user)).okta.extracted?.status;

const delta = async (org: Org): Promise<void> => {
  await org.request("POST", "/v1/streams/users/runs", { kind: "delta" });
  expect(await untilIdle(org.connection)).toMatchObject({ state: "done", error: null });
};

const failures = async (org: Org): Promise<number | undefined> => {
  const families = await enrichmentMetrics(env, [org.connection]);
  const family = families.find(({ name }) => name === "okta_edge_cache_forget_failures_total");
  return family?.samples[0]?.value;
};

it("forgets what it can, counts what fails, and forgets that after the next run", async () => {
  const org = await newOrg();
  const names = ["jane@example.com", "john@example.com"] as const;
  const [jane, john] = [
    await org.user({ profile: { login: names[0], email: names[0] } }),
    await org.user({ profile: { login: names[1], email: names[1] } }),
  ];
  await delta(org);
  for (const name of names) expect(await statusOf(org, name)).toBe("ACTIVE");
  for (const id of [jane, john]) await org.control("POST", `/users/${id}/suspend`);

  const { put } = env.ENRICHMENT_CACHE;
  const failing = vi.spyOn(env.ENRICHMENT_CACHE, "put");
  failing.mockImplementation((key, ...rest) =>
    key.includes(jane)
      ? Promise.reject(new Error("KV PUT failed: 500"))
      : put.call(env.ENRICHMENT_CACHE, key, ...rest),
  );
  await delta(org);
  const triesOfJane = () => failing.mock.calls.filter(([key]) => key.includes(jane)).length;
  // Each slice tries what failed before once more.
  await vi.waitFor(async () => expect(await failures(org)).toBe(triesOfJane()));
  const failed = triesOfJane();
  expect(failed).toBeGreaterThan(0);
  expect(await statusOf(org, names[1])).toBe("SUSPENDED");
  expect(await statusOf(org, names[0])).toBe("ACTIVE");

  failing.mockRestore();
  await delta(org);
  await vi.waitFor(async () => expect(await statusOf(org, names[0])).toBe("SUSPENDED"));
  expect(await failures(org)).toBe(failed);
});
