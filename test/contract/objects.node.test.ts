import { describe, expect, test } from "vitest";
import {
  connectionOfGate,
  gateObjectName,
  streamIdentityOf,
  streamObjectName,
} from "../../src/contract/objects.ts";

describe("the name of a Durable Object", () => {
  test("says which connection a gate belongs to", () => {
    expect(gateObjectName("acme")).toBe("acme");
    expect(connectionOfGate({ name: gateObjectName("acme") })).toBe("acme");
  });

  test("says which stream of which connection an inventory is for", () => {
    const identity = { connection: "acme", stream: "devices" } as const;
    expect(streamIdentityOf({ name: streamObjectName(identity) })).toEqual(identity);
  });

  test.each([{}, { name: "acme" }, { name: "acme/groups" }])("of an inventory is not %j", (id) => {
    expect(() => streamIdentityOf(id)).toThrow("named <connection>/<stream>");
  });

  test("is what a gate cannot do without", () => {
    expect(() => connectionOfGate({})).toThrow("named after its connection");
  });
});
