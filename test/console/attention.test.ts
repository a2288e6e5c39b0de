/** What needs a person, and the runs that can be started, on the console's pages. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StreamStatus } from "../../src/contract/status.ts";
import { ok } from "../../src/lib/result.ts";
import { fakeStream, fullKey, muteLog, runOf, statusOf } from "../http/support.ts";
import { visitorOf } from "./visitor.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

const orgChanged: Partial<StreamStatus> = {
  state: "held",
  detail: "The Okta org 00oNEW answers.",
  attention: [
    {
      code: "org_changed",
      severity: "error",
      detail: "The Okta org 00oNEW answers, but the inventory is that of the org 00oOLD.",
      remedy: "If the base URL is wrong, correct it.",
      since: "2025-01-15T02:00:00.000Z",
    },
  ],
};

/** A person who has signed in, before streams with this status. */
const visitor = async (status: Partial<StreamStatus>) => {
  const reset = vi.fn(async () => ok({ ...runOf("full"), cause: "first" as const }));
  const { get, post, cookieOf } = visitorOf({
    stream: (_env, connection, stream) => ({
      ...fakeStream(connection, stream),
      status: async () => ({ ...statusOf(connection, stream), ...status }),
      reset,
    }),
  });
  const Cookie = await cookieOf(fullKey);
  return {
    page: async (path: string) => (await get(path, { Cookie })).text(),
    post: (path: string, form: Record<string, string>) => post(path, form, { Cookie }),
    reset,
  };
};

describe("another org", () => {
  test("is the first thing that the overview and the streams page say, with what to do", async () => {
    const { page } = await visitor(orgChanged);
    expect(await page("/")).toContain("but the inventory is that of the org 00oOLD");
    const streams = await page("/console/streams");
    expect(streams).toContain("but the inventory is that of the org 00oOLD");
    expect(streams).toContain("If the base URL is wrong, correct it.");
    expect(streams).toContain('name="org_id"');
  });

  test("takes the place of the former one only after the box is ticked", async () => {
    const { post, reset } = await visitor(orgChanged);
    const path = "/console/streams/users/reset";
    expect((await post(path, { org_id: "00oNEW" })).status).toBe(400);
    expect(reset).not.toHaveBeenCalled();
    const done = await post(path, { org_id: "00oNEW", sure: "yes" });
    expect(done.status).toBe(303);
    expect(done.headers.get("Location")).toContain("notice=reset");
    expect(reset).toHaveBeenCalledExactlyOnceWith("00oNEW");
  });
});

describe("the controls of a stream", () => {
  const full = runOf("full", "running");
  const delta = runOf("delta", "running");
  test.each([
    ["nothing is in progress", {}, ["Run delta", "Run full"]],
    ["a full run", { run: full }, ["Run delta", "Cancel full run"]],
    ["a delta run", { run: delta }, ["Run full", "Cancel delta run"]],
    ["both", { run: full, delta }, ["Cancel full run"]],
  ] as const)("%s", async (_, status, expected) => {
    const { page } = await visitor(status);
    const html = await page("/console/streams");
    for (const label of ["Run delta", "Run full", "Cancel full run", "Cancel delta run"] as const) {
      expect({ label, isThere: html.includes(`aria-label="${label}: users"`) }).toEqual({
        label,
        isThere: expected.some((one) => one === label),
      });
    }
  });

  test("show how current the inventory is", async () => {
    const html = await (await visitor({})).page("/console/streams");
    expect(html).toContain("Current as of");
    expect(html).toContain("Next delta run");
  });
});
