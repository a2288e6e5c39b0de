import { type LogInput, SYSTEM_ACTOR } from "../org/log.ts";
import type { OrgState } from "../org/state.ts";
import type { Row, Table } from "../org/table.ts";
import type { LogActor, OktaGroup, OktaLogEvent, OktaUser } from "../org/types.ts";

/** Who makes a change, and from where. */
export interface Author {
  actor?: LogActor;
  /** An IP address. */
  ip?: string;
}

/** How a change is made. A silent change writes nothing to the System Log. */
export interface ChangeOptions {
  silent: boolean;
  /** Without an actor, it is the token's owner. */
  author?: Author;
  /** Called with each event that the change writes. */
  onEvent?: (event: OktaLogEvent) => void;
}

/** Where the token's owner works, in whose name changes are made by default. */
const OWNER_IP = "203.0.113.7";

export const userTarget = (user: OktaUser): LogActor => ({
  id: user.id,
  type: "User",
  alternateId: String(user.profile["login"] ?? ""),
  displayName: [user.profile["firstName"], user.profile["lastName"]].filter(Boolean).join(" "),
});

export const groupTarget = (group: OktaGroup): LogActor => ({
  id: group.id,
  type: "UserGroup",
  alternateId: "unknown",
  displayName: String(group.profile["name"] ?? ""),
});

/** Writes an event as the author of the change, unless the change is silent. An event with an actor of its own keeps it. */
export const record = (state: OrgState, options: ChangeOptions, input: LogInput): void => {
  if (options.silent) return;
  const { actor, ip } = options.author ?? {};
  const owner = state.store.users.rows[0]?.data;
  const byDefault = owner ? { actor: userTarget(owner), ip: OWNER_IP } : { actor: SYSTEM_ACTOR };
  const given = actor === undefined ? byDefault : { actor };
  const event = state.log.write({ ...given, ...(ip !== undefined && { ip }), ...input });
  options.onEvent?.(event);
};

/** Until when lagging reads see the old version; undefined without a lag. */
export const versionAt = ({ options, clock }: OrgState): number | undefined =>
  options.searchLagMs > 0 || options.listLagMs > 0 ? clock.now() : undefined;

export const requireRow = <T extends { id: string }>(table: Table<T>, id: string): Row<T> => {
  const row = table.byId.get(id);
  if (!row) throw new RangeError(`nothing has the id ${id}`);
  return row;
};
