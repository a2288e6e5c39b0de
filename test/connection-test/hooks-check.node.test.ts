/** The check `hooks`: what it says of each thing that may be known of a connection's event hooks. */
import { describe, expect, test } from "vitest";
import { hooksCheck, type KnownHooks } from "../../src/connection-test/hooks-check.ts";

const setting = "ACME_HOOK_SECRET";
const at = "2026-11-26T08:00:00.000Z";

const checkOf = (secret: KnownHooks["secret"], last: KnownHooks["last"]) =>
  hooksCheck({ secret, setting, last });

test("a hook that has come is a pass, and says when", () => {
  const check = checkOf("valid", { at });
  expect(check).toMatchObject({ name: "hooks", status: "pass", remedy: null, http_status: null });
  expect(check.message).toContain(at);
});

describe.each(["valid", "invalid", "unset"] as const)("with a secret that is %s", (secret) => {
  test.each(["none", "not_known", "not_stored"] as const)("%s is unknown, with what to do", (last) => {
    const check = checkOf(secret, last);
    expect(check).toMatchObject({ status: "unknown", remedy: expect.any(String) });
    // Only where all streams were asked is it known that none has come.
    expect(check.message.includes("No event hook has come")).toBe(last === "none");
    if (last === "not_known") return;
    expect(check.remedy).toContain("/v1/hooks/okta");
    expect(check.remedy?.includes(setting)).toBe(secret !== "valid");
  });
});

test.each([
  ["unset", "not set"],
  ["invalid", "invalid"],
] as const)("hooks that came, but are refused because the secret is %s, are no pass", (secret, words) => {
  const check = checkOf(secret, { at });
  expect(check.status).toBe("unknown");
  expect(check.message).toContain(at);
  expect(check.message).toContain(`${setting} is ${words}`);
});
