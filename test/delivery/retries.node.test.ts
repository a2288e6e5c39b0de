import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../src/delivery/retry-after.ts";
import { presentable } from "../../src/lib/redact.ts";

describe("retryAfterMs", () => {
  const now = Date.UTC(2025, 0, 15, 12, 0, 0);
  it.each<[Record<string, string>, number | null]>([
    [{}, null],
    [{ "retry-after": "" }, null],
    [{ "retry-after": "120" }, 120_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": " 3 " }, 3000],
    [{ "retry-after": "1.5" }, 1500],
    [{ "retry-after": "-5" }, null],
    [{ "retry-after": "soon" }, null],
    [{ "retry-after": "99999999999999" }, 86_400_000],
    [{ "retry-after": "Wed, 15 Jan 2025 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Wed, 15 Jan 2025 11:00:00 GMT" }, 0],
    [{ "retry-after": "Wed, 15 Jan 2031 11:00:00 GMT" }, 86_400_000],
    // The server's clock is an hour ahead of ours: its date counts from its own Date.
    [{ "retry-after": "Wed, 15 Jan 2025 13:00:10 GMT", date: "Wed, 15 Jan 2025 13:00:00 GMT" }, 10_000],
    [{ "retry-after": "Wed, 15 Jan 2025 12:00:10 GMT", date: "nonsense" }, 10_000],
  ])("%j is %j", (headers, expected) => {
    expect(retryAfterMs(new Headers(headers), now)).toBe(expected);
  });
});

describe("presentable", () => {
  it("is one bounded line without any secret", () => {
    const hex = fc.string({ minLength: 8, maxLength: 40, unit: fc.constantFrom(..."0123456789abcdef") });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), hex, fc.string(), (before, secret, after) => {
        const text = presentable(`${before}${secret}${after}${secret}`, [secret]);
        expect(text).not.toContain(secret);
        expect(text.length).toBeLessThanOrEqual(300);
        expect(text).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  it("hides a secret that the cut would go through", () => {
    expect(presentable(`${"a".repeat(295)}0123456789abcdef`, ["0123456789abcdef"])).not.toContain("0123");
  });

  it("removes the longer of two secrets that begin alike, and ignores blank ones", () => {
    expect(presentable("key abcd-efgh", ["", "abcd", "abcd-efgh"])).toBe("key [redacted]");
  });

  it("also hides what a log would hide", () => {
    expect(presentable("Authorization: Bearer abcdef123456 failed", [])).not.toContain("abcdef123456");
  });
});
