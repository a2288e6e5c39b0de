import { describe, expect, it } from "vitest";
import {
  connectionOfGate,
  deliveryIdentityOf,
  deliveryObjectName,
  gateObjectName,
  streamIdentityOf,
  streamObjectName,
} from "../../src/contract/objects.ts";

describe("an object's name", () => {
  it("says which connection a gate belongs to", () => {
    expect(gateObjectName("acme")).toBe("acme");
    expect(connectionOfGate({ name: gateObjectName("acme") })).toBe("acme");
    expect(() => connectionOfGate({})).toThrow("named after its connection");
  });

  it("says which stream it is", () => {
    const identity = { connection: "acme-eu_1", stream: "devices" } as const;
    expect(streamObjectName(identity)).toBe("acme-eu_1/devices");
    expect(streamIdentityOf({ name: "acme-eu_1/devices" })).toEqual(identity);
  });

  it.each([{}, { name: "acme" }, { name: "acme/groups" }])("that no stream has (%j) is a bug", (id) => {
    expect(() => streamIdentityOf(id)).toThrow("named <connection>/<stream>");
  });

  it("says which delivery it is", () => {
    const identity = { connection: "default", stream: "users", sink: "siem-2_b" } as const;
    expect(deliveryObjectName(identity)).toBe("default/users/siem-2_b");
    expect(deliveryIdentityOf({ name: "default/users/siem-2_b" })).toEqual(identity);
  });

  it.each([undefined, "", "default", "default/users", "default/users/", "default/groups/siem"])(
    "that no delivery has (%s) is a bug",
    (name) => {
      expect(() => deliveryIdentityOf(name === undefined ? {} : { name })).toThrow(
        "<connection>/<stream>/<sink>",
      );
    },
  );
});
