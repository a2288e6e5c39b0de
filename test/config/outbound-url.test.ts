import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkOutboundUrl, urlProblemText } from "../../src/config/outbound-url.ts";

const strict = { allowLoopback: false };
const local = { allowLoopback: true };

/** What a person reads about a URL that is refused; null when it is let through. */
const refusal = (url: string, options = strict): string | null => {
  const result = checkOutboundUrl(url, options);
  return result.ok ? null : urlProblemText(result.error, "https://siem.example.com/path");
};

describe("checkOutboundUrl", () => {
  it.each([
    "https://siem.example.com/path?x=1",
    "https://splunk.example.com:8088/services/collector",
    "https://example.com:443/",
    " https://example.com/ingest\n",
    "https://8.8.8.8/",
    "https://172.15.255.255/",
    "https://172.32.0.1/",
    "https://100.63.255.255/",
    "https://100.128.0.1/",
    "https://192.167.1.1/",
    "https://[2606:4700:4700::1111]/",
    "https://notlocalhost.com/",
    "https://internal.example.com/",
  ])("lets %j through", (url) => {
    const result = checkOutboundUrl(url, strict);
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(result.value.href).toBe(new URL(url).href);
  });

  it.each([
    ["", "empty"],
    ["siem.example.com/path", "not a URL"],
    ["https://", "not a URL"],
    ["https://exa mple.com/", "not a URL"],
    ["http://siem.example.com/", "https://"],
    ["ftp://siem.example.com/", "https://"],
    ["javascript:alert(1)", "https://"],
    ["file:///etc/passwd", "https://"],
    ["https://user@siem.example.com/", "user name"],
    ["https://:pass@siem.example.com/", "user name"],
    ["https://siem.example.com@127.0.0.1/", "user name"],
    ["https://siem.example.com:22/", "port"],
    ["https://siem.example.com:80/", "port"],
    [`https://siem.example.com/${"a".repeat(2048)}`, "longer"],
    ["https://siem/", "full domain name"],
    ["https://metadata.google.internal/", "private network"],
    ["https://printer.local/", "private network"],
    ["https://printer.local./", "private network"],
    ["https://foo.localhost/", "private network"],
  ])("refuses %j: %s", (url, reason) => {
    expect(refusal(url)).toContain(reason);
    expect(refusal(url)).toMatch(/; a valid value looks like https:\/\/siem\.example\.com\/path$/);
  });

  it("says how to give a user name or password safely", () => {
    expect(refusal("https://user:pass@siem.example.com/")).toBe(
      "it must not hold a user name or password; name a secret instead; a valid value looks like " +
        "https://siem.example.com/path",
    );
  });

  it.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.2",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "167837955", // 10.1.0.3 in decimal
    "0x0a010203",
    "012.1.2.3",
    "0xa9fe.0xa9fe",
    "2852039166", // 169.254.169.254 in decimal
    "10.1.2.3.",
    "１０.1.2.3", // full-width digits
    "[::]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::10.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a00:1::]",
    "[2001:0:1::]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[ff02::1]",
  ])("refuses the closed address %s, loopback allowed or not", (host) => {
    expect(checkOutboundUrl(`https://${host}/`, strict)).toMatchObject({ ok: false });
    expect(checkOutboundUrl(`https://${host}/`, local)).toMatchObject({ ok: false });
    expect(checkOutboundUrl(`http://${host}/`, local)).toMatchObject({ ok: false });
  });

  it.each([
    "http://127.0.0.1:8080",
    "http://localhost:3000/x",
    "https://localhost/",
    "http://[::1]:9000/",
    "http://2130706433/",
    "http://127.1/",
  ])("needs ALLOW_LOOPBACK for %s", (url) => {
    expect(checkOutboundUrl(url, local)).toMatchObject({ ok: true });
    expect(refusal(url)).toContain("ALLOW_LOOPBACK=true");
  });

  it("never lets an address of a private block through, in any spelling", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const privateAddress = fc.oneof(
      fc.tuple(fc.constant(10), octet, octet, octet),
      fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
    );
    const spelling = fc.constantFrom(
      (a: number, b: number, c: number, d: number) => `${a}.${b}.${c}.${d}`,
      (a: number, b: number, c: number, d: number) => String(((a * 256 + b) * 256 + c) * 256 + d),
      (a: number, b: number, c: number, d: number) => `0x${a.toString(16)}.${b}.0${c.toString(8)}.${d}`,
      (a: number, b: number, c: number, d: number) => `[::ffff:${a}.${b}.${c}.${d}]`,
    );
    fc.assert(
      fc.property(privateAddress, spelling, ([a, b, c, d], spell) => {
        expect(checkOutboundUrl(`https://${spell(a, b, c, d)}/`, local).ok).toBe(false);
      }),
    );
  });

  it("answers any text without throwing and without repeating it", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (text) => {
        const url = `https://user:${encodeURIComponent(text)}@`;
        const result = checkOutboundUrl(url, strict);
        expect(result.ok).toBe(false);
        expect(`${JSON.stringify(result)} ${refusal(url)}`).not.toContain(encodeURIComponent(text));
      }),
    );
  });
});
