/** Custom attributes in look-ups, and what the inventory knows of facts that a look-up could not read. */
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import type { UserFacts } from "../../src/inventory/facts.ts";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { newOrg } from "./support.ts";

// Before anything reads the settings.
Object.assign(env, { PROFILE_ATTRIBUTES: "badge, clearance" });

const id = "00uJaneDoe1234567890";
const login = "jane@example.com";
const profile = { login, email: login, badge: "B7", secret: "not named" };

it("custom attributes are those that the setting names, null where one is not set, cached or not", async () => {
  const org = await newOrg();
  await org.user({ id, profile });
  for (const cached of [false, true]) {
    const { okta } = await org.ask(login);
    expect(okta).toMatchObject({ cached, extracted: { user_id: id } });
    expect(okta.extracted).toHaveProperty("attributes", { badge: "B7", clearance: null });
  }
});

it("what the inventory knows of a fact that cannot be read is its last known value, with its age", async () => {
  const org = await newOrg();
  await org.user({ id, profile });
  const at = Date.UTC(2026, 0, 1);
  const facts: UserFacts = {
    user: {
      id,
      status: "ACTIVE",
      created: null,
      activated: null,
      statusChanged: null,
      lastLogin: null,
      lastUpdated: null,
      passwordChanged: null,
      profile: { login },
    },
    groups: { state: "known", value: [], at },
    factors: { state: "known", value: [], at },
    roles: { state: "unknown", reason: "pending" },
  };
  const account = vi.spyOn(InventoryStream.prototype, "account");
  account.mockResolvedValue({ found: "one", facts, readAt: at });
  await org.ask(login);
  expect(account).not.toHaveBeenCalled();
  const other = await newOrg();
  await other.user({ id, profile });
  await other.fault("/api/v1/users/{id}/factors", "403");
  const { okta } = await other.ask(login);
  expect(account).toHaveBeenCalledExactlyOnceWith(id);
  expect(okta).toMatchObject({
    stale: false,
    extracted: { mfa_enrolled: null, phishing_resistant: null, is_admin: false },
    facts_as_of: { mfa: null, roles: expect.any(String) },
  });
  expect(okta.incomplete).toContainEqual(
    expect.objectContaining({
      field: "mfa_enrolled",
      reason: "forbidden",
      last_known: false,
      last_known_at: "2026-01-01T00:00:00Z",
    }),
  );
  account.mockRestore();
});
