/**
 * Changes of a simulated org that its log tells, each made to people and groups of its own, so that each can be followed
 * to where it arrives.
 */
import { resetFactors } from "../../dev/okta-org/changes/factors.ts";
import { addMember, createGroup, updateGroup } from "../../dev/okta-org/changes/groups.ts";
import { grantGroupRole, grantUserRole } from "../../dev/okta-org/changes/roles.ts";
import { changeStatus } from "../../dev/okta-org/changes/users.ts";
import type { OktaOrg } from "../../dev/okta-org/index.ts";
import { expectedUser, type Json } from "./expected.ts";

export const changeKinds = [
  "suspension",
  "factor reset",
  "role",
  "group role",
  "membership",
  "group rename",
] as const;
export type ChangeKind = (typeof changeKinds)[number];

const LOUD = { silent: false };
const SILENT = { silent: true };
const HELP_DESK = { type: "HELP_DESK_ADMIN", status: "ACTIVE" } as const;

interface Part {
  /** How many people it needs. All of them are affected. */
  readonly people: number;
  /** Who of them is in its group from the start: the first ones. A part without a group leaves it out. */
  readonly members?: number;
  readonly make: (state: OktaOrg["state"], people: readonly string[], group: string) => unknown;
}

const parts: Readonly<Record<ChangeKind, Part>> = {
  suspension: { people: 1, make: (state, [id = ""]) => changeStatus(state, id, "suspend", LOUD) },
  "factor reset": { people: 1, make: (state, [id = ""]) => resetFactors(state, id, null, LOUD) },
  role: { people: 1, make: (state, [id = ""]) => grantUserRole(state, id, HELP_DESK, LOUD) },
  "group role": {
    people: 2,
    members: 2,
    make: (state, _, group) => grantGroupRole(state, group, HELP_DESK, LOUD),
  },
  membership: { people: 1, members: 0, make: (state, [id = ""], group) => addMember(state, group, id, LOUD) },
  "group rename": {
    people: 2,
    members: 2,
    make: (state, _, group) => updateGroup(state, group, { name: `renamed ${group}` }, LOUD),
  },
};

/** A change that can be made once. */
export interface Change {
  readonly kind: ChangeKind;
  /** Makes the change. @returns the ids of the users whose events it changes */
  make(): readonly string[];
}

/** Casts people and groups for changes of an org. */
export class Cast {
  readonly #org: OktaOrg;
  /** Active people with a factor and without a role who have no part yet. */
  readonly #free: string[];
  readonly #changes = new Map<ChangeKind, Change[]>();

  /**
   * Makes the groups that the changes need, which the log does not tell.
   * @param rounds how many changes of each kind there are to be
   */
  constructor(org: OktaOrg, rounds: number) {
    this.#org = org;
    this.#free = org
      .dump()
      .users.filter(
        ({ status, factors, roles }) =>
          status === "ACTIVE" && roles.length === 0 && factors.some((factor) => factor.status === "ACTIVE"),
      )
      .map(({ id }) => id);
    for (const kind of changeKinds) {
      this.#changes.set(
        kind,
        Array.from({ length: rounds }, (_, round) => this.#prepare(kind, round)),
      );
    }
  }

  /** A change of this kind that was not given before. */
  next(kind: ChangeKind): Change {
    const change = this.#changes.get(kind)?.shift();
    if (change === undefined) throw new Error(`no ${kind} is left`);
    return change;
  }

  /** An active person without a role to whom nothing happens. */
  bystander(): string {
    const id = this.#free.shift();
    if (id === undefined)
      throw new Error("the org has too few active people with a factor and without a role");
    return id;
  }

  #prepare(kind: ChangeKind, round: number): Change {
    const { state } = this.#org;
    const { people, members, make } = parts[kind];
    const ids = Array.from({ length: people }, () => this.bystander());
    let group = "";
    if (members !== undefined) {
      group = createGroup(state, { profile: { name: `${kind} ${round}`, description: null } }, SILENT).id;
      for (const id of ids.slice(0, members)) addMember(state, group, id, SILENT);
    }
    return {
      kind,
      make: () => {
        make(state, ids, group);
        return ids;
      },
    };
  }
}

/** What the events of these users should be now, by id. */
export const expectedOf = ({ state }: OktaOrg, ids: readonly string[]): Map<string, Json> => {
  const { store } = state;
  const groups = new Map(store.groups.rows.map((row) => [row.data.id, store.dumpGroup(row)]));
  return new Map(
    ids.map((id) => {
      const row = store.users.byId.get(id);
      if (row === undefined) throw new Error(`the org has no user ${id}`);
      return [id, expectedUser(store.dumpUser(row), groups)];
    }),
  );
};
