import { describe, expect, it } from "vitest";
import { connectionOfLookup, lookupCountersName, lookupShardName } from "../../src/contract/objects.ts";

describe("an AccountLookup's name", () => {
  it("spreads a connection's accounts over eight objects", () => {
    const names = Array.from({ length: 500 }, (_, n) =>
      lookupShardName("acme-eu_1", `email:u${n}@example.com`),
    );
    expect(new Set(names).size).toBe(8);
    for (const name of names) expect(name).toMatch(/^acme-eu_1\/[0-7]$/);
  });

  it("stays that of the object that already keeps the counters", () => {
    expect(lookupCountersName("default")).toBe("default/counters");
  });

  it("says which connection it belongs to", () => {
    for (const name of [lookupShardName("acme-eu_1", "id:00u1"), lookupCountersName("acme-eu_1")]) {
      expect(connectionOfLookup({ name })).toBe("acme-eu_1");
    }
  });

  it.each([{}, { name: "" }, { name: "/3" }])("that was not made here is a bug: %j", (id) => {
    expect(() => connectionOfLookup(id)).toThrow("<connection>/<part>");
  });
});
