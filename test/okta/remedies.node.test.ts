import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../src/okta/endpoints.ts";
import type { OktaErrorCode } from "../../src/okta/errors.ts";
import { refusalError } from "../../src/okta/refusal.ts";
import { remedyOf } from "../../src/okta/remedies.ts";

const FACTORS: Endpoint = "GET /api/v1/users/{id}/factors";

const refusal = (status: number, errorCode: string | null, headers: Record<string, string> = {}) =>
  refusalError(
    FACTORS,
    {
      status,
      headers: new Headers(headers),
      body: errorCode === null ? undefined : { errorCode, errorSummary: "As Okta says" },
    },
    null,
  );

/** Okta's codes with their statuses, as its list of error codes has them, and what a remedy has to speak of. */
const codes: readonly [string, number, OktaErrorCode, RegExp | null][] = [
  ["E0000001", 400, "bad_request", /Report this/],
  ["E0000004", 401, "invalid_credential", /token|service app/],
  ["E0000005", 403, "forbidden", /token|service app/],
  ["E0000006", 403, "forbidden", /Read-only Administrator role/],
  ["E0000007", 404, "not_found", /admin role may see it/],
  ["E0000008", 404, "not_found", /base URL/],
  ["E0000009", 500, "unavailable", /passes by itself/],
  ["E0000010", 503, "unavailable", /passes by itself/],
  ["E0000011", 401, "invalid_credential", /token|service app/],
  ["E0000013", 403, "forbidden", /client ID/],
  ["E0000015", 401, "forbidden", /enable the feature.*Neither a role nor another credential/],
  ["E0000022", 405, "forbidden", /admin role.*and that the feature is enabled/],
  ["E0000026", 404, "not_found", /Report this/],
  ["E0000029", 400, "bad_request", /Report this/],
  ["E0000031", 400, "bad_request", /Report this/],
  ["E0000047", 429, "rate_limited", null],
  ["E0000053", 400, "bad_request", /Report this/],
  ["E0000060", 501, "forbidden", /enable the feature/],
  ["E0000067", 504, "unavailable", /passes by itself/],
  ["E0000100", 503, "unavailable", /passes by itself/],
  ["E0000145", 409, "bad_request", /user types/],
  ["E0000999", 400, "bad_request", /does not know E0000999/],
  ["E0000999", 403, "forbidden", /does not know E0000999/],
];

describe("Okta's codes", () => {
  test.each(codes)("%s (%i) is %s", (oktaErrorCode, status, code, remedy) => {
    const error = refusal(status, oktaErrorCode);
    expect(error).toMatchObject({ code, oktaErrorCode, status });
    if (remedy === null) expect(remedyOf(error)).toBeNull();
    else expect(remedyOf(error)).toMatch(remedy);
  });

  test.each(["E0000015", "E0000022", "E0000060"])("%s is never told to be the credential's fault", (code) => {
    for (const who of ["ssws", "oauth", "either"] as const) {
      expect(remedyOf(refusal(401, code), who)).not.toMatch(/new token|Create a token|Replace|Report this/);
    }
  });

  test.each(["toString", "<b>E0000006</b>", "E0000006 E0000006", ""])("%o is no code", (word) => {
    expect(refusal(403, word).oktaErrorCode).toBeNull();
    expect(remedyOf(refusal(403, word))).toEqual(remedyOf(refusal(403, null)));
  });
});

describe("answers without a code", () => {
  test("a missing scope is named by its endpoint", () => {
    const error = refusal(403, null, { "www-authenticate": 'Bearer error="insufficient_scope"' });
    expect(error.code).toBe("insufficient_scope");
    expect(remedyOf(error)).toBe(
      "Grant the scope okta.users.read under Applications > the app > Okta API Scopes.",
    );
    expect(remedyOf({ ...error, endpoint: "GET /api/v1/groups/{id}/roles" })).toContain("okta.roles.read");
    expect(remedyOf({ ...error, endpoint: "GET /api/v1/iam/assignees/users" })).toContain("okta.roles.read");
    expect(remedyOf({ ...error, endpoint: "GET /api/v1/logs" })).toContain("okta.logs.read");
  });

  test("a 403 of something else is not told to be a role", () => {
    expect(remedyOf(refusal(403, null))).toMatch(/network zone|proxy/);
  });

  test("a redirect names the address that it leads to, without its path and query", () => {
    const location = "https://new.okta.com/api/v1/users?after=secret";
    const error = refusal(301, null, { location });
    expect(error.message).toBe(
      '[GET] "/api/v1/users/{id}/factors": 301 to https://new.okta.com, where the credential is not sent',
    );
    expect(remedyOf(error)).toContain("https://new.okta.com");
    expect(remedyOf(refusal(302, null, { location: "/login" }))).toMatch(/base URL/);
  });

  test("what passes by itself needs nothing", () => {
    expect(remedyOf(refusal(503, null))).toBeNull();
  });
});
