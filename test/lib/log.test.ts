import { afterEach, describe, expect, it, vi } from "vitest";
import { errorFields, log } from "../../src/lib/log.ts";
import { protect, redact } from "../../src/lib/redact.ts";

afterEach(() => vi.restoreAllMocks());

describe("redact", () => {
  it.each([
    ["Authorization: SSWS 00abcdefghij", "Authorization: SSWS [redacted]"],
    ["authorization: bearer abcdefghij.klm", "authorization: bearer [redacted]"],
    ["DPoP eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln", "DPoP [redacted]"],
    ["token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln", "token [redacted]"],
    [
      "GET https://x.okta.com/api/v1/users?search=a%20b failed",
      "GET https://x.okta.com/api/v1/users?[redacted] failed",
    ],
    ["https://user:pass@siem.example.com/x", "https://[redacted]@siem.example.com/x"],
    ["-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "[redacted]"],
    ["nothing to hide", "nothing to hide"],
  ])("%j → %j", (text, masked) => {
    expect(redact(text)).toBe(masked);
  });

  it("masks protected values, and a longer secret before a shorter one that it contains", () => {
    protect(["log-secret-1", "log-secret-1-and-more"]);
    expect(redact("a log-secret-1-and-more b log-secret-1 c")).toBe("a [redacted] b [redacted] c");
  });
});

describe("log", () => {
  it("writes one JSON line at the given level, with secrets masked", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    protect(["log-secret-2"]);
    log("warn", "sink_failed", { sink: "siem", attempts: 3, message: "refused log-secret-2", level: "x" });
    expect(warn).toHaveBeenCalledOnce();
    expect(JSON.parse(String(warn.mock.calls[0]?.[0]))).toEqual({
      level: "warn",
      event: "sink_failed",
      sink: "siem",
      attempts: 3,
      message: "refused [redacted]",
    });
  });

  it("describes any thrown value", () => {
    expect(errorFields(new TypeError("bad"))).toMatchObject({ error: "TypeError", message: "bad" });
    expect(errorFields("text")).toEqual({ error: "string", message: "text" });
  });
});
