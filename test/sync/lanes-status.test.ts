/** What the status says of two runs that are in progress at the same time. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { call, createOrg, startHeldRun, startRun, statusOf, untilIdle } from "../support/org.ts";

const CONNECTION = "t18";

afterEach(() => reset());

/** Whatever is public about the runs of a stream. */
const shown = async () => {
  const { state, run: current, delta, current_as_of, next_delta_at } = await statusOf(CONNECTION);
  return { state, run: current?.kind ?? null, delta: delta?.id ?? null, current_as_of, next_delta_at };
};

test("the status shows both runs, how current the inventory is, and when the next delta run is due", async () => {
  const org = await createOrg(CONNECTION, { users: 20, groups: 5 });
  const cancel = async () => (await call(CONNECTION, "DELETE", "/v1/streams/users/runs/current")).json();
  expect(await shown()).toMatchObject({ state: "idle", run: null, delta: null, current_as_of: null });
  expect(Date.parse((await shown()).next_delta_at ?? "") % 900_000).toBe(0);

  // The first full run, and a delta run beside it: nothing is current yet.
  await startHeldRun(org, { endpoint: "GET /api/v1/users/{id}/factors" });
  const beside = await startRun(CONNECTION, "delta");
  expect(await shown()).toMatchObject({
    state: "running",
    run: "full",
    delta: beside.id,
    current_as_of: null,
  });
  await org.clearFaults();
  await untilIdle(CONNECTION);
  const first = await shown();
  expect(first).toMatchObject({ state: "idle", run: null, delta: null });
  expect(Date.parse(first.current_as_of ?? "")).toBeGreaterThan(0);

  // A delta run alone is the run; it takes the inventory further.
  await startHeldRun(org, { endpoint: "GET /api/v1/logs" }, { kind: "delta" });
  expect(await shown()).toMatchObject({ state: "running", run: "delta", delta: null });
  expect((await shown()).current_as_of).toBe(first.current_as_of);
  await org.clearFaults();
  await untilIdle(CONNECTION);
  const second = await shown();
  expect(Date.parse(second.current_as_of ?? "")).toBeGreaterThan(Date.parse(first.current_as_of ?? ""));

  // Both wait for Okta: the state is that of the full run. DELETE ends the full run first.
  await org.fault({ kind: "503" });
  const full = await startRun(CONNECTION, "full");
  const delta = await startRun(CONNECTION, "delta");
  await vi.waitFor(
    async () => expect(await shown()).toMatchObject({ state: "backing_off", run: "full", delta: delta.id }),
    { timeout: 30_000, interval: 20 },
  );
  expect(await cancel()).toMatchObject({ id: full.id, state: "cancelled" });
  expect(await shown()).toMatchObject({ run: "delta", delta: null });
  expect(await cancel()).toMatchObject({ id: delta.id, state: "cancelled" });
  expect(await shown()).toMatchObject({ state: "idle", run: null, current_as_of: second.current_as_of });
  expect((await call(CONNECTION, "DELETE", "/v1/streams/users/runs/current")).status).toBe(404);
});
