import { describe, expect, it } from "vitest";
import { describeBaseUrl, parseBaseUrl, parseCustomDomain } from "../../src/config/base-url.ts";
import { phrase } from "../../src/config/problem.ts";

const rules = { allowLoopback: false, customDomains: ["login.example.com"] };

/** What a person reads about a base URL that is refused; null when it is taken. */
const refusal = (given: string): string | null => {
  const result = parseBaseUrl(given, rules);
  return result.ok ? null : phrase(describeBaseUrl(result.error));
};

describe("parseBaseUrl", () => {
  it.each([
    ["https://company.okta.com", "https://company.okta.com"],
    ["https://company.okta.com/", "https://company.okta.com"],
    [" https://company.okta.com\n", "https://company.okta.com"],
    ["HTTPS://Company.OKTA.com", "https://company.okta.com"],
    ["https://company.oktapreview.com", "https://company.oktapreview.com"],
    ["https://company.okta-emea.com", "https://company.okta-emea.com"],
    ["https://company.okta-gov.com", "https://company.okta-gov.com"],
    ["https://company.okta.mil", "https://company.okta.mil"],
    ["https://login.example.com", "https://login.example.com"],
    ["https://administration-company.okta.com", "https://administration-company.okta.com"],
  ])("takes %j", (given, origin) => {
    expect(parseBaseUrl(given, rules)).toEqual({ ok: true, value: origin });
  });

  it.each([
    ["company.okta.com", "must start with https://"],
    ["http://company.okta.com", "must start with https://"],
    ["ftp://company.okta.com", "must start with https://"],
    ["https://", "not a URL"],
    ["https://company.okta.com/api/v1", "path"],
    ["https://company.okta.com//", "path"],
    ["https://company.okta.com/.", "path"],
    ["https://company.okta.com\\", "path"],
    ["https://company.okta.com:8443", "port"],
    ["https://company.okta.com:443", "port"],
    ["https://company.okta.com:", "port"],
    ["https://user@company.okta.com", "user name"],
    ["https://user:pass@company.okta.com", "user name"],
    ["https://@company.okta.com", "user name"],
    ["https://company.okta.com?x=1", "query"],
    ["https://company.okta.com/?", "query"],
    ["https://company.okta.com#x", "fragment"],
    ["https://comp\tany.okta.com", "blanks"],
    ["https://okta.com", "not Okta's"],
    ["https://company.okta.com.evil.example", "not Okta's"],
    ["https://companyokta.com", "not Okta's"],
    ["https://company.okta.com.", "not Okta's"],
    ["https://evil.example", "not Okta's"],
    ["https://sub.login.example.com", "not Okta's"],
    ["https://127.0.0.1", "ALLOW_LOOPBACK"],
    ["https://localhost", "ALLOW_LOOPBACK"],
    ["https://10.0.0.1", "private"],
    ["https://169.254.169.254", "private"],
  ])("refuses %j: %s", (given, reason) => {
    expect(refusal(given)).toContain(reason);
    expect(refusal(given)).toContain("a valid value looks like https://your-domain.okta.com");
  });

  it("names the org's own address when given the admin console's", () => {
    const text = refusal("https://company-admin.okta.com");
    expect(text).toContain("admin console");
    expect(text).toMatch(/https:\/\/company\.okta\.com$/);
  });

  it.each([
    ["http://127.0.0.1:8790", "http://127.0.0.1:8790"],
    ["http://localhost:3000/", "http://localhost:3000"],
    ["https://localhost", "https://localhost"],
  ])("takes %j where loopback is allowed", (given, origin) => {
    expect(parseBaseUrl(given, { ...rules, allowLoopback: true })).toEqual({ ok: true, value: origin });
  });

  it.each(["http://127.0.0.1:8790/api", "http://company.okta.com", "http://user@localhost:1"])(
    "refuses %j even where loopback is allowed",
    (given) => {
      expect(parseBaseUrl(given, { ...rules, allowLoopback: true }).ok).toBe(false);
    },
  );
});

describe("parseCustomDomain", () => {
  it.each([
    ["login.example.com", "login.example.com"],
    ["LOGIN.Example.com", "login.example.com"],
    ["https://login.example.com", null],
    ["login.example.com/x", null],
    ["login.example.com:8443", null],
    ["*.example.com", null],
    ["localhost", null],
    ["10.0.0.1", null],
    ["vault.internal", null],
  ])("%j → %j", (given, host) => {
    expect(parseCustomDomain(given)).toBe(host);
  });
});
