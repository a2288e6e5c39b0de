/** DATA_JURISDICTION in the local runtime, which has no jurisdictions: it has no effect but that a change is refused. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ask, cron, settingsWith } from "../registry/support.ts";
import { createOrg, untilIdle } from "../support/org.ts";

let logged: { event?: string; level?: string }[];

beforeEach(() => {
  logged = [];
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation((line) => void logged.push(JSON.parse(String(line))));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

const path = "/v1/streams/users?connection=t1";

test("the setting is skipped, said once, and remembered", async () => {
  await createOrg("t1", { users: 3 });
  const settings = settingsWith(["t1"], { DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" });
  await cron(settings);
  expect(await untilIdle("t1")).toMatchObject({ cause: "first", state: "done" });
  expect((await ask(settings, "GET", path)).status).toBe(200);
  expect(logged.filter(({ event }) => event === "jurisdiction_not_available")).toMatchObject([
    { level: "warn", jurisdiction: "eu" },
  ]);

  const changed = settingsWith(["t1"], { DATA_JURISDICTION: "fedramp", LOCATION_HINT: "weur" });
  expect(await (await ask(changed, "GET", path)).json()).toMatchObject({
    code: "misconfigured",
    problems: [{ setting: "DATA_JURISDICTION", message: expect.stringMatching(/eu.*fedramp/) }],
  });
  expect(await (await ask(settings, "GET", path)).json()).toMatchObject({ assets: { total: 3 } });
});

test.each([
  ["DATA_JURISDICTION", "mars", /eu or fedramp/],
  ["LOCATION_HINT", "mars", /wnam.*weur.*me/],
])("%s=%s is a wrong setting like any other", async (name, value, right) => {
  const settings = settingsWith(["t1"], { [name]: value });
  const response = await ask(settings, "GET", path);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    code: "misconfigured",
    problems: [{ setting: name, message: expect.stringMatching(right) }],
  });
  await cron(settings);
  expect(logged.filter(({ level }) => level === "error")).toMatchObject([
    { event: "misconfigured", settings: name },
  ]);
});
