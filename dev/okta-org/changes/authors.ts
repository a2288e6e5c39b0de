import { SYSTEM_ACTOR } from "../org/log.ts";
import type { OrgState } from "../org/state.ts";
import type { LogActor, OktaUser } from "../org/types.ts";
import { type Author, requireRow, userTarget } from "./common.ts";

/** An actor as control routes take it: the id of a user of the org, or what the log is to show. */
export type ActorInput =
  | string
  | {
      id?: string | undefined;
      type: string;
      login?: string | undefined;
      name?: string | undefined;
    };

/** What Okta writes where it knows nobody. */
const UNKNOWN = "unknown";

/**
 * An actor as the log shows it. What is not given comes from the org: of a user with this id or login, or of Okta itself.
 *
 * @throws RangeError if a user is meant whom the org does not have
 */
export const actorOf = (state: OrgState, given: ActorInput): LogActor => {
  const { users } = state.store;
  if (typeof given === "string") return userTarget(requireRow(users, given).data);
  const { id, type, login, name } = given;
  const known = knownActor(state, given);
  return {
    id: id ?? known?.id ?? UNKNOWN,
    type,
    alternateId: login ?? known?.alternateId ?? UNKNOWN,
    displayName: name ?? known?.displayName ?? UNKNOWN,
  };
};

const knownActor = (state: OrgState, { id, type, login }: Exclude<ActorInput, string>): LogActor | null => {
  if (type === SYSTEM_ACTOR.type) return SYSTEM_ACTOR;
  if (type !== "User") return null;
  if (id !== undefined) return userTarget(requireRow(state.store.users, id).data);
  const user = login === undefined ? undefined : state.store.findUser(login);
  return user === undefined ? null : userTarget(user.data);
};

/** Networks that documentation may use (RFC 5737); nobody has an address in them. */
const NETWORKS = ["192.0.2", "198.51.100", "203.0.113"] as const;

/** People who can sign in and have a role of their own. */
const administrators = ({ store }: OrgState): OktaUser[] =>
  [...store.userRoles].flatMap(([id, roles]) => {
    const user = store.users.byId.get(id)?.data;
    const isOne = user?.status === "ACTIVE" && roles.some(({ status }) => status === "ACTIVE");
    return isOne ? [user] : [];
  });

/**
 * Draws who makes a random change to a user: the user, an administrator or Okta itself.
 *
 * @param isOwnDoing whether people make such changes for themselves
 */
export const drawAuthor = (state: OrgState, userId: string, isOwnDoing: boolean): Author => {
  const { authors } = state;
  const who = authors.weighted([
    ["self", 4],
    ["administrator", 4],
    ["system", 2],
  ] as const);
  const ip = `${authors.pick(NETWORKS)}.${1 + authors.int(254)}`;
  if (who === "self" && isOwnDoing) return { actor: actorOf(state, userId), ip };
  const all = administrators(state);
  const administrator = who === "system" ? undefined : all[authors.int(Math.max(1, all.length))];
  return { actor: administrator === undefined ? SYSTEM_ACTOR : userTarget(administrator), ip };
};
