/** Changes for tests. */
import type { Change, ChangeActor, ChangeField } from "../../src/contract/changes.ts";
import type { ChangeContext } from "../../src/ocsf/index.ts";

export const STORED_AT = Date.parse("2026-11-25T08:14:05.000Z");
export const AT = "2026-11-25T08:14:02.000Z";

export const admin: ChangeActor = {
  id: "00u9admin",
  type: "User",
  login: "admin@example.com",
  name: "Ada Admin",
  ip: "203.0.113.7",
};

/** A change of Mary, without a log event that tells of it. */
export const change = (fields: readonly ChangeField[], rest: Partial<Change> = {}): Change => ({
  sequence: 1_756_000_000_000_007,
  first_sequence: 1_756_000_000_000_007,
  at: AT,
  stream: "users",
  id: "00u1mary",
  name: "Mary Jones",
  kind: "updated",
  source: "search",
  fields: [...fields],
  actor: null,
  events: [],
  ...rest,
});

/** A change that a log event tells of. */
export const toldChange = (
  fields: readonly ChangeField[],
  type: string,
  { actor = admin, ...rest }: Partial<Change> = {},
): Change =>
  change(fields, {
    source: "log",
    actor,
    events: [{ uuid: "7f6a1f0e-0000-4000-8000-000000000001", type, published: AT, actor }],
    ...rest,
  });

export const userContext: ChangeContext = {
  connection: "default",
  tenant: "example.okta.com",
  sequenceBase: 1_756_000_000_000_000,
  storedAt: STORED_AT,
  isGroup: false,
  subject: { name: "Mary Jones", login: "mary@example.com", email: "mary@example.com" },
};

export const groupContext: ChangeContext = {
  ...userContext,
  isGroup: true,
  subject: { name: "Help Desk", login: null, email: null },
};

export const deviceContext: ChangeContext = {
  ...userContext,
  subject: { name: "LAPTOP-MARY-001", login: null, email: null },
};

/** A field with one value. */
export const from = (field: string, before: unknown, after: unknown): ChangeField => ({
  field,
  before,
  after,
});

/** A field with a list. */
export const moved = (field: string, added: unknown[], removed: unknown[]): ChangeField => ({
  field,
  added,
  removed,
});
