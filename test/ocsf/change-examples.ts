/** The changes whose events docs/sinks.md shows, one of each class. */
import type { Change, ChangeActor } from "../../src/contract/changes.ts";
import type { ChangeContext } from "../../src/ocsf/index.ts";

const helpDesk: ChangeActor = {
  id: "00u9z8y7x6w5v4u3t2s1",
  type: "User",
  login: "helpdesk@example.com",
  name: "Help Desk",
  ip: "203.0.113.7",
};

const context: ChangeContext = {
  connection: "default",
  tenant: "example.okta.com",
  sequenceBase: 1_763_908_684_000_000,
  storedAt: Date.UTC(2026, 10, 25, 8, 14, 5),
  isGroup: false,
  subject: { name: "Mary Jones", login: "mary@example.com", email: "mary@example.com" },
};

const told = (
  change: Pick<Change, "sequence" | "stream" | "id" | "name" | "fields">,
  event: { readonly uuid: string; readonly type: string; readonly published: string },
): Change => ({
  ...change,
  first_sequence: change.sequence,
  at: event.published,
  kind: "updated",
  source: "log",
  actor: helpDesk,
  events: [{ ...event, actor: helpDesk }],
});

export const changeExamples: readonly { readonly change: Change; readonly context: ChangeContext }[] = [
  {
    change: told(
      {
        sequence: 1_763_908_684_001_907,
        stream: "users",
        id: "00u1a2b3c4d5e6f7g8h9",
        name: "Mary Jones",
        fields: [
          { field: "mfa_enrolled", before: true, after: false },
          { field: "mfa_factors", added: [], removed: ["push", "totp"] },
        ],
      },
      {
        uuid: "f0a9482f-2ac1-11ef-8a30-5d6c3c2e2a11",
        type: "user.mfa.factor.reset_all",
        published: "2026-11-25T08:14:02.000Z",
      },
    ),
    context,
  },
  {
    change: told(
      {
        sequence: 1_763_908_684_001_909,
        stream: "users",
        id: "00u1a2b3c4d5e6f7g8h9",
        name: "Mary Jones",
        fields: [
          { field: "groups", added: ["Key Managers"], removed: [] },
          { field: "is_admin", before: false, after: true },
          { field: "admin_roles", added: ["Key Master"], removed: [] },
          {
            field: "admin_roles_detail",
            added: [{ label: "Key Master", type: "CUSTOM", assignment: "group", group: "Key Managers" }],
            removed: [],
          },
        ],
      },
      {
        uuid: "0b9d6c1e-2ac2-11ef-8a30-5d6c3c2e2a11",
        type: "group.user_membership.add",
        published: "2026-11-25T08:14:03.000Z",
      },
    ),
    context,
  },
  {
    change: told(
      {
        sequence: 1_763_908_684_000_412,
        stream: "devices",
        id: "guo1a2b3c4d5e6f7g8h9",
        name: "LAPTOP-MARY-001",
        fields: [
          { field: "is_managed", before: true, after: false },
          { field: "status", before: "ACTIVE", after: "SUSPENDED" },
        ],
      },
      {
        uuid: "1c2d3e4f-2ac2-11ef-8a30-5d6c3c2e2a11",
        type: "device.lifecycle.suspend",
        published: "2026-11-25T08:14:04.000Z",
      },
    ),
    context: { ...context, subject: { name: "LAPTOP-MARY-001", login: null, email: null } },
  },
];
