import { describe, expect, test } from "vitest";
import type { ChangePart, NewChange, StoredChange } from "../../src/inventory/changes.ts";
import type { OktaFactor, OktaRole } from "../../src/okta/records.ts";
import { partsWith, userChangeFields } from "../../src/streams/users/changes.ts";

const factor = (status: string): OktaFactor => ({
  id: "f1",
  factorType: "webauthn",
  provider: "FIDO",
  status,
});
const role: OktaRole = {
  id: "r1",
  type: "SUPER_ADMIN",
  label: "Super Admin",
  status: "ACTIVE",
  assignmentType: "USER",
};
const roles = { before: [], after: [role] };
const group = { id: "00g1", name: "VPN" };

const details: readonly Pick<NewChange, "part" | "detail">[] = [
  { part: "factors", detail: { before: [factor("ACTIVE")], after: [] } },
  { part: "factors", detail: { before: [], after: [factor("PENDING_ACTIVATION")] } },
  { part: "roles", detail: roles },
  { part: "groups", detail: { added: [group], removed: [], roles } },
  { part: "group_roles", detail: { ...roles, name: "VPN" } },
  { part: "group", detail: { name: "VPN", fields: [{ field: "description", before: null, after: "x" }] } },
  {
    part: "asset",
    detail: {
      fields: [
        { field: "attributes.badge", before: null, after: "7" },
        { field: "groups", added: [], removed: ["Everyone"] },
        { field: "is_admin", before: true, after: false },
      ],
    },
  },
];

const stored = ({ part, detail }: Pick<NewChange, "part" | "detail">): StoredChange =>
  // Part and detail of one entry of the table belong together.
  ({
    sequence: 1,
    first: 1,
    id: "00u1",
    part,
    kind: "updated",
    source: "log",
    detail,
    since: 0,
    at: 0,
    readAt: 0,
    events: [],
  }) as StoredChange;

describe("a search for a field", () => {
  test.each(details)("looks at the part $part for every field that its changes have", (detail) => {
    const fields = userChangeFields(stored(detail), []).map(({ field }) => field);
    expect(fields.length).toBeGreaterThan(0);
    for (const field of fields)
      expect([field, partsWith(field)]).toEqual([field, expect.arrayContaining([detail.part])]);
  });

  test.each<[string, ChangePart]>([
    ["status", "factors"],
    ["mfa_factors", "asset"],
    ["admin_roles", "factors"],
    ["groups", "group_roles"],
  ])("of %s does not look at the part %s", (field, part) => {
    expect(partsWith(field)).not.toContain(part);
  });
});
