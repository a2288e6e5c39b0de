/** Keeps an org at its original size while random changes remove people from it. */
import type { ChangeOptions } from "../../okta-org/changes/common.ts";
import { addMember, createGroup } from "../../okta-org/changes/groups.ts";
import { createUser, deleteUser } from "../../okta-org/changes/users.ts";
import type { OktaOrg } from "../../okta-org/index.ts";

type State = OktaOrg["state"];

export interface Population {
  readonly present: number;
  readonly gone: number;
  readonly groups: number;
  readonly memberships: number;
}

const logged: ChangeOptions = { silent: false };

const membershipsIn = ({ store }: State): number =>
  [...store.members.values()].reduce((sum, members) => sum + members.length, 0);

export const populationOf = (state: State): Population => {
  const users = state.store.users.rows.map(({ data }) => data);
  const gone = users.filter(({ status }) => status === "DEPROVISIONED").length;
  return {
    present: users.length - gone,
    gone,
    groups: state.store.groups.rows.length,
    memberships: membershipsIn(state),
  };
};

/** Adds people, deletes surplus deprovisioned ones, and adds groups and members, until the org is as large as it was. */
export const replenish = (state: State, wanted: Population): void => {
  const { store, random } = state;
  const now = populationOf(state);
  for (let n = now.present; n < wanted.present; n++) {
    const login = `hired${random.int(1e9)}@example.com`;
    createUser(state, { profile: { login, email: login } }, logged);
  }
  const filed = store.users.rows.filter(({ data }) => data.status === "DEPROVISIONED");
  for (const { data } of filed.slice(0, Math.max(0, now.gone - wanted.gone)))
    deleteUser(state, data.id, logged);
  for (let n = now.groups; n < wanted.groups; n++)
    createGroup(state, { profile: { name: `Founded ${random.int(1e9)}`, description: null } }, logged);
  const joinable = store.groups.rows.filter(({ data }) => data.type !== "BUILT_IN");
  const people = store.users.rows.filter(({ data }) => data.status !== "DEPROVISIONED");
  for (let n = membershipsIn(state); n < wanted.memberships; n++) {
    const group = joinable[random.int(joinable.length)]?.data.id;
    const user = people[random.int(people.length)]?.data.id;
    if (group !== undefined && user !== undefined) addMember(state, group, user, logged);
  }
};
