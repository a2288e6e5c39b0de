/** Which hosts and origins a request of an agent may name. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { strangerIn } from "../../src/mcp/guard.ts";
import { examples } from "../support/seeds.ts";

const OURS = "https://connector.example.com";

const deployed = { publicUrl: OURS, allowLoopback: false };
const unnamed = { publicUrl: null, allowLoopback: false };
const local = { publicUrl: null, allowLoopback: true };
const localNamed = { publicUrl: OURS, allowLoopback: true };

describe("the host", () => {
  test.each([
    ["ours", deployed, "connector.example.com", null],
    ["ours in capitals", deployed, "Connector.EXAMPLE.com", null],
    ["ours with a port", deployed, "connector.example.com:8443", null],
    ["another", deployed, "evil.example.com", "host"],
    ["ours as a part of another", deployed, "connector.example.com.evil.example.com", "host"],
    ["another that ends like ours", deployed, "evil-connector.example.com", "host"],
    ["a subdomain of ours", deployed, "evil.connector.example.com", "host"],
    ["ours as a user of another", deployed, "connector.example.com@evil.example.com", "host"],
    ["ours with a path", deployed, "connector.example.com/evil", "host"],
    ["none", deployed, "", "host"],
    ["what is no host", deployed, "not a host", "host"],
    ["this machine, of a Worker that is not on it", deployed, "localhost", "host"],
    ["any, of a Worker that does not know its name", unnamed, "evil.example.com", null],
    ["this machine, of a Worker that does not know its name", unnamed, "127.0.0.1:8787", "host"],
    ["this machine by its name", local, "localhost:8787", null],
    ["this machine in capitals", local, "LOCALHOST", null],
    ["this machine by a name below its name", local, "worker.localhost:8787", null],
    ["this machine by its address", local, "127.0.0.1:8787", null],
    ["this machine by its address of version 6", local, "[::1]:8787", null],
    ["a name that may lead to this machine", local, "evil.example.com:8787", "host"],
    ["a name that begins like this machine's", local, "localhost.evil.example.com", "host"],
    ["an address that begins like this machine's, as a name", local, "127.0.0.1.evil.example.com", "host"],
    ["this machine, whose Worker has another name too", localNamed, "localhost:8787", null],
    ["the other name", localNamed, "connector.example.com", null],
    ["neither of both", localNamed, "evil.example.com", "host"],
  ])("%s", (_what, access, host, stranger) => {
    expect(strangerIn({ host, origin: null }, access)).toBe(stranger);
  });
});

describe("the origin", () => {
  test.each([
    ["none", "connector.example.com", null, null],
    ["the same", "connector.example.com", OURS, null],
    ["the same with a port", "connector.example.com:8443", `${OURS}:8443`, null],
    ["that of another port", "connector.example.com", `${OURS}:8443`, "origin"],
    ["another site's", "connector.example.com", "https://evil.example.com", "origin"],
    ["that of a subdomain", "connector.example.com", "https://evil.connector.example.com", "origin"],
    ["hidden by the browser", "connector.example.com", "null", "origin"],
    ["empty", "connector.example.com", "", "origin"],
    ["of a file", "connector.example.com", "file://", "origin"],
    ["another page's of this machine", "localhost:8787", "http://localhost:3000", "origin"],
    ["another name of this machine", "localhost:8787", "http://127.0.0.1:8787", "origin"],
    ["the same on this machine", "localhost:8787", "http://localhost:8787", null],
    ["another site's, with its own host", "evil.example.com", "http://evil.example.com", "host"],
  ])("%s", (_what, host, origin, stranger) => {
    expect(strangerIn({ host, origin }, localNamed)).toBe(stranger);
  });
});

describe("whatever a request names", () => {
  const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: null });
  const withPort = (name: string, number: number | null) => (number === null ? name : `${name}:${number}`);
  const access = fc.record({
    publicUrl: fc.option(
      fc.domain().map((name) => `https://${name}`),
      { nil: null },
    ),
    allowLoopback: fc.boolean(),
  });
  /** This machine, as it can be spelt. */
  const loopback = fc.oneof(
    fc.constantFrom(
      "localhost",
      "LocalHost",
      "a.localhost",
      "[::1]",
      "[0:0:0:0:0:0:0:1]",
      "127.1",
      "2130706433",
    ),
    fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rest) => `127.${rest.join(".")}`),
    fc.integer({ min: 0x7f000000, max: 0x7fffffff }).map((address) => `0x${address.toString(16)}`),
  );
  const anything = fc.oneof(fc.string(), fc.domain(), loopback, fc.webAuthority({ withPort: true }));
  const origin = fc.option(
    fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.domain().map((name) => `https://${name}`),
    ),
    { nil: null },
  );

  test("a host that is neither ours nor this machine's is a stranger's, with any origin", () => {
    fc.assert(
      fc.property(fc.domain(), port, origin, fc.boolean(), (name, number, from, allowLoopback) => {
        fc.pre(name.toLowerCase() !== "connector.example.com");
        const named = { host: withPort(name, number), origin: from };
        expect(strangerIn(named, { publicUrl: OURS, allowLoopback })).toBe("host");
        expect(strangerIn(named, { publicUrl: null, allowLoopback: true })).toBe("host");
      }),
      examples(300),
    );
  });

  test("this machine, however it is spelt, is taken under ALLOW_LOOPBACK and never without", () => {
    fc.assert(
      fc.property(loopback, port, access, (name, number, given) => {
        const taken = strangerIn({ host: withPort(name, number), origin: null }, given);
        expect(taken).toBe(given.allowLoopback ? null : "host");
      }),
      examples(300),
    );
  });

  test("an origin is only taken with the host that it names", () => {
    fc.assert(
      fc.property(anything, origin, access, (host, from, given) => {
        if (from === null || strangerIn({ host, origin: from }, given) !== null) return;
        expect(new URL(from).host).toBe(new URL(`http://${host}`).host);
        expect(strangerIn({ host, origin: null }, given)).toBeNull();
      }),
      examples(500),
    );
  });

  test("its own origin is never a reason to refuse a host", () => {
    fc.assert(
      fc.property(anything, access, (host, given) => {
        const alone = strangerIn({ host, origin: null }, given);
        fc.pre(alone === null);
        const { host: same } = new URL(`http://${host}`);
        expect(strangerIn({ host, origin: `http://${same}` }, given)).toBeNull();
      }),
      examples(300),
    );
  });

  test("there is always an answer", () => {
    fc.assert(
      fc.property(anything, origin, access, (host, from, given) => {
        expect([null, "host", "origin"]).toContain(strangerIn({ host, origin: from }, given));
      }),
      examples(500),
    );
  });
});
