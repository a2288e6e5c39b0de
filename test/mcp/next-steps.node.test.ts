/** What a person is told to do about an account, by what is known of it. */
import { describe, expect, test } from "vitest";
import type { CheckOfAsset } from "../../src/contract/posture.ts";
import { fromInventory } from "../../src/enrichment/account.ts";
import { extract } from "../../src/enrichment/answer.ts";
import { known } from "../../src/inventory/facts.ts";
import { adminConsoleUrl, nextSteps, stepSchema } from "../../src/mcp/next-steps.ts";
import { user } from "../inventory/records.ts";

const account = (status: string) =>
  extract(
    fromInventory(
      { user: user("00u1", { status }), groups: known([], 0), factors: known([], 0), roles: known([], 0) },
      0,
      null,
    ),
    [],
  ).extracted;

const holds = (...ids: CheckOfAsset["id"][]): CheckOfAsset[] =>
  ids.map((id) => ({ id, holds: true, isExcepted: false }));

const actions = (told: Partial<Parameters<typeof nextSteps>[0]>, status = "ACTIVE") =>
  nextSteps({ account: account(status), verdict: null, incomplete: [], checks: [], ...told }).map(
    ({ action }) => action,
  );

describe("next steps", () => {
  test.each([
    ["nothing speaks against it", {}, ["nothing"]],
    ["rules call it malicious", { verdict: "Malicious" }, ["suspend", "clear_sessions"]],
    ["rules call it suspicious", { verdict: "Suspicious" }, ["confirm_with_the_person"]],
    [
      "a factor is new",
      { checks: holds("new_factor_24h") },
      ["confirm_with_the_person", "reset_authenticators"],
    ],
    ["a role is new", { checks: holds("new_admin_7d") }, ["review_roles"]],
    [
      "an administrator has no MFA",
      { checks: holds("admin_without_mfa", "active_without_mfa") },
      ["enroll_mfa"],
    ],
    ["factors are weak", { checks: holds("weak_mfa_only") }, ["enroll_mfa"]],
    ["it is locked out", { checks: holds("locked_out") }, ["unlock"]],
    ["nobody uses it", { checks: holds("dormant_90d") }, ["deactivate"]],
    [
      "a check is open",
      { checks: [{ id: "admin_without_mfa", holds: null, isExcepted: false }] },
      ["nothing"],
    ],
  ] as const)("where %s", (_, told, expected) => {
    expect(actions(told)).toEqual(expected);
  });

  test("nobody is told to suspend whoever is suspended", () => {
    expect(actions({ verdict: "Malicious" }, "SUSPENDED")).toEqual(["nothing"]);
  });

  test("what could not be read is to be made readable; what was not read yet is not", () => {
    const unread = (reason: string) => ({
      incomplete: [{ field: "groups", reason, message: "", last_known: null, last_known_at: null }],
    });
    expect(actions(unread("forbidden"))).toEqual(["restore_permission"]);
    expect(actions(unread("pending"))).toEqual(["nothing"]);
  });

  test("each says why and how, and none that it is done", () => {
    const steps = nextSteps({
      account: account("ACTIVE"),
      verdict: "Malicious",
      incomplete: [],
      checks: holds("new_factor_24h", "new_admin_7d", "admin_without_mfa", "dormant_admin_30d", "locked_out"),
    });
    for (const step of steps) {
      expect(stepSchema.parse(step)).toEqual(step);
      expect(`${step.why} ${step.how}`).not.toMatch(/has been (suspended|reset|revoked)/);
    }
    expect(nextSteps({ account: null, verdict: null, incomplete: [], checks: [] })).toMatchObject([
      { action: "nothing" },
    ]);
  });

  test.each([
    ["https://acme.okta.com", "00u1", "https://acme-admin.okta.com/admin/user/profile/view/00u1"],
    [
      "https://acme.oktapreview.com",
      "00u1",
      "https://acme-admin.oktapreview.com/admin/user/profile/view/00u1",
    ],
    ["https://login.example.com", "00u1", null],
    ["https://acme.okta.com", "../x", null],
    ["http://127.0.0.1:8790", "00u1", null],
  ])("%s and %s lead to %s", (baseUrl, id, url) => {
    expect(adminConsoleUrl(baseUrl, id)).toBe(url);
  });
});
