import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { passTime } from "../support/time.ts";
import { devicesPending, newOrg } from "./support.ts";

const id = "00uJaneDoe1234567890";
const login = "jane@example.com";

/** Enough for calls that nothing holds up, also on a busy machine. */
const BUDGET_MS = 2_000;
Object.assign(env, { LOOKUP_TIMEOUT_MS: String(BUDGET_MS) });
/** No answer before the faults are removed. */
const HELD = { ms: 50_000 };

describe("after LOOKUP_TIMEOUT_MS", () => {
  it.each([
    ["groups", ["groups"]],
    [
      "factors",
      ["mfa_enrolled", "mfa_factors", "mfa_factors_detail", "newest_factor_at", "phishing_resistant"],
    ],
    ["roles", ["is_admin", "admin_roles", "admin_roles_detail"]],
  ])("what is known is answered, and %s are named as timed out", async (part, fields) => {
    const org = await newOrg();
    await org.user({ id, profile: { login, email: login } });
    await org.user({
      id: "00uWarmUp1234567890a",
      profile: { login: "warm@example.com", email: "warm@example.com" },
    });
    await org.ask("warm@example.com"); // the gate knows the buckets now, and lets calls go side by side
    await org.fault(`/api/v1/users/{id}/${part}`, "slow", HELD);
    const startedAt = Date.now();
    const { status, okta } = await org.ask(login);
    expect(Date.now() - startedAt).toBeLessThan(HELD.ms);
    expect(status).toBe(200);
    expect(okta.extracted).toMatchObject({ user_id: id });
    expect(okta.incomplete.map(({ field, reason }) => [field, reason])).toEqual([
      ...fields.map((field) => [field, "timeout"]),
      ["devices", "pending"],
    ]);
    await org.control("DELETE", "/faults");
    passTime(61_000);
    expect((await org.ask(login)).okta).toMatchObject({ cached: false, incomplete: [devicesPending] });
  });

  it("without the user it is a 503 that says when to ask again, and nothing is cached", async () => {
    const org = await newOrg();
    await org.user({ id, profile: { login, email: login } });
    await org.fault("/api/v1/users/{id}", "slow", HELD);
    const reply = await org.ask(login);
    expect(reply).toMatchObject({
      status: 503,
      okta: { success: false, error: { code: "timeout", retry_after: expect.any(Number) } },
    });
    expect(Number(reply.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await org.cached()).toEqual([]);
    await org.control("DELETE", "/faults");
    expect((await org.ask(login)).okta).toMatchObject({ success: true, found: true, cached: false });
  });
});
