import type { OrgState } from "../org/state.ts";
import type { Row } from "../org/table.ts";
import type { LogActor, OktaGroup, OktaLogEvent, OktaUser } from "../org/types.ts";
import { type ChangeOptions, requireRow, userTarget } from "./common.ts";
import * as factors from "./factors.ts";
import * as groups from "./groups.ts";
import * as roles from "./roles.ts";
import * as users from "./users.ts";

/** From where the administrator and the attacker work: networks for documentation, RFC 5737. */
const HELPDESK_IP = "198.51.100.20";
const ATTACKER_IP = "203.0.113.66";

/** Who plays which part. Without an id, somebody fitting does. */
export interface TakeoverInput {
  user?: string | undefined;
  helpdesk?: string | undefined;
  /** How much time passes between two steps, ms. */
  gapMs: number;
}

/** One step of a takeover, as it was done. */
export interface TakeoverStep {
  readonly what: string;
  /** When, by the org's clock, ISO 8601. */
  readonly at: string;
  readonly actor: LogActor;
  readonly ip: string;
  /** What it has changed: ids, or the new address. */
  readonly changed: Readonly<Record<string, string | readonly string[]>>;
  /** The event that tells of it; null if the changes are silent. */
  readonly event: { readonly uuid: string; readonly type: string } | null;
}

/** What was done to whom, in order. */
export interface Takeover {
  readonly user: string;
  readonly helpdesk: string;
  readonly steps: readonly TakeoverStep[];
}

interface Cast {
  readonly user: OktaUser;
  readonly helpdesk: OktaUser;
  readonly group: OktaGroup;
}

interface Step {
  readonly what: string;
  readonly by: "helpdesk" | "attacker";
  /** @returns what it has changed */
  readonly run: (state: OrgState, cast: Cast, options: ChangeOptions) => TakeoverStep["changed"];
}

const STEPS: readonly Step[] = [
  {
    what: "all factors are reset",
    by: "helpdesk",
    run: (state, { user }, options) => {
      const gone = state.store.factorsOf(user).map(({ id }) => id);
      factors.resetFactors(state, user.id, null, options);
      return { factors: gone };
    },
  },
  {
    what: "a factor is enrolled",
    by: "attacker",
    run: (state, { user }, options) => {
      const given = { factorType: "push", provider: "OKTA", status: "ACTIVE" };
      return { factor: factors.enrolFactor(state, user.id, given, options).id };
    },
  },
  {
    what: "a role is granted",
    by: "helpdesk",
    run: (state, { user }, options) => ({
      role: roles.grantUserRole(state, user.id, { type: "USER_ADMIN", status: "ACTIVE" }, options).id,
    }),
  },
  {
    what: "the user joins a group",
    by: "attacker",
    run: (state, { user, group }, options) => {
      groups.addMember(state, group.id, user.id, options);
      return { group: group.id };
    },
  },
  {
    what: "the e-mail address is changed",
    by: "attacker",
    run: (state, { user }, options) => {
      const [local = "user"] = String(user.profile["login"] ?? "user").split("@");
      const email = `${local}.${state.random.int(10_000)}@example.net`;
      users.updateProfile(state, user.id, { email }, options);
      return { email };
    },
  },
];

/**
 * Stages an account takeover: a deceived administrator resets the factors of a user and grants a role, and an attacker
 * does the rest as this user, from another address. The org's clock advances between the steps, so that everything was
 * true at its time and no event lies in the future.
 *
 * @throws RangeError, before anything is changed, if somebody or something for it is missing
 */
export const takeOver = (state: OrgState, input: TakeoverInput, options: ChangeOptions): Takeover => {
  const cast = castOf(state, input);
  const authors = {
    helpdesk: { actor: userTarget(cast.helpdesk), ip: HELPDESK_IP },
    attacker: { actor: userTarget(cast.user), ip: ATTACKER_IP },
  };
  const steps = STEPS.map(({ what, by, run }, index): TakeoverStep => {
    if (index > 0) state.clock.advance(input.gapMs);
    const events: OktaLogEvent[] = [];
    const author = authors[by];
    const at = state.clock.iso();
    const changed = run(state, cast, { ...options, author, onEvent: (event) => events.push(event) });
    const [event] = events;
    const told = event === undefined ? null : { uuid: event.uuid, type: event.eventType };
    return { what, at: event?.published ?? at, ...author, changed, event: told };
  });
  return { user: cast.user.id, helpdesk: cast.helpdesk.id, steps };
};

const castOf = (state: OrgState, input: TakeoverInput): Cast => {
  const { store } = state;
  const named = (id: string | undefined): OktaUser | undefined =>
    id === undefined ? undefined : requireRow(store.users, id).data;
  const user = named(input.user) ?? ordinaryUser(state, input.helpdesk);
  if (user === undefined) throw new RangeError("user: no active user without a role has a factor; name one");
  const helpdesk = named(input.helpdesk) ?? limitedAdministrator(state, user.id);
  if (helpdesk === undefined) {
    throw new RangeError(
      "helpdesk: there is no active administrator but super administrators; name somebody",
    );
  }
  if (user.id === helpdesk.id) throw new RangeError("user, helpdesk: must be two people");
  if (user.status === "DEPROVISIONED") throw new RangeError("user: is DEPROVISIONED, and can be in no group");
  const group = groupToJoin(state, user);
  if (group === undefined) throw new RangeError("user: is in every group; make a group first");
  return { user, helpdesk, group };
};

const ordinaryUser = ({ store }: OrgState, except: string | undefined): OktaUser | undefined =>
  store.users.rows.find(
    ({ data }) =>
      data.status === "ACTIVE" &&
      data.id !== except &&
      store.rolesOf(data).length === 0 &&
      store.factorsOf(data).some(({ status }) => status === "ACTIVE"),
  )?.data;

/** An active administrator who is no super administrator, of the help desk if possible. */
const limitedAdministrator = ({ store }: OrgState, except: string): OktaUser | undefined => {
  const typesOf = (user: OktaUser): string[] =>
    store.rolesOf(user).flatMap(({ status, type }) => (status === "ACTIVE" ? [type] : []));
  const all = store.users.rows
    .filter(({ data }) => data.status === "ACTIVE" && data.id !== except)
    .map(({ data }) => ({ user: data, types: typesOf(data) }))
    .filter(({ types }) => types.length > 0 && !types.includes("SUPER_ADMIN"));
  return (all.find(({ types }) => types.includes("HELP_DESK_ADMIN")) ?? all[0])?.user;
};

/** A group that the user is not in, one that gives a role if possible. */
const groupToJoin = ({ store }: OrgState, user: OktaUser): OktaGroup | undefined => {
  const joined = new Set(store.groupRowsOf(user));
  const givesRole = ({ data }: Row<OktaGroup>): boolean =>
    (store.groupRoles.get(data.id) ?? []).some(({ status }) => status === "ACTIVE");
  const others = store.groups.rows.filter((row) => row.data.type === "OKTA_GROUP" && !joined.has(row));
  return (others.find(givesRole) ?? others[0])?.data;
};
