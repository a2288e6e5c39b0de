/**
 * What Okta lets the credential read, as the answers of runs show it. A kind of fact whose calls are refused is lost until
 * one of them is answered. Pure.
 */
import type { Result } from "../lib/result.ts";
import type { Endpoint } from "../okta/endpoints.ts";
import { isForbidden, type OktaError } from "../okta/errors.ts";
import { remedyOf, treatmentOf } from "../okta/remedies.ts";

/** A kind of fact that has calls of its own. */
export type Permission =
  | "users"
  | "devices"
  | "log"
  | "groups"
  | "memberships"
  | "factors"
  | "roles"
  | "group_roles"
  | "role_assignees";

/** Why Okta refuses a kind of fact. */
export interface Refused {
  /** Okta's answer. */
  readonly message: string;
  /** What to do about it; absent if nothing is known. */
  readonly remedy?: string;
  /** When it was first refused, ms since the epoch. */
  readonly since: number;
}

/** How the calls for one kind of fact went in one run. */
export interface Tally {
  /** How many were answered. */
  readonly answered: number;
  /** How many have been refused since the last one that was answered. */
  readonly refused: number;
  /** The first of these refusals. */
  readonly first?: Refused;
  /** One of them concerns everything of the kind. */
  readonly isForAll?: true;
  /** Whether something that could be read before is being asked for, to find out how far the refusals go. */
  readonly isProbed?: true;
}

export type Tallies = Readonly<Partial<Record<Permission, Tally>>>;
/** The kinds of fact that are lost. */
export type Lost = Readonly<Partial<Record<Permission, Refused>>>;

/** A call for a list shows everything of its kind; any other call concerns one user or group. */
const kinds: Readonly<
  Partial<Record<Endpoint, { readonly permission: Permission; readonly isList?: true }>>
> = {
  "GET /api/v1/users": { permission: "users", isList: true },
  "GET /api/v1/devices": { permission: "devices", isList: true },
  "GET /api/v1/logs": { permission: "log", isList: true },
  "GET /api/v1/groups": { permission: "groups", isList: true },
  "GET /api/v1/iam/assignees/users": { permission: "role_assignees", isList: true },
  "GET /api/v1/groups/{id}/users": { permission: "memberships" },
  "GET /api/v1/users/{id}/groups": { permission: "memberships" },
  "GET /api/v1/users/{id}/factors": { permission: "factors" },
  "GET /api/v1/users/{id}/roles": { permission: "roles" },
  "GET /api/v1/groups/{id}/roles": { permission: "group_roles" },
};

/** After so many refusals in a row without an answer, everything of the kind counts as refused. */
const SURELY = 30;

const none: Tally = { answered: 0, refused: 0 };

/** Whether a refusal concerns everything of the kind: a missing scope or feature does, a missing role perhaps not. */
const isForEverything = ({ code, oktaErrorCode }: OktaError): boolean =>
  code === "insufficient_scope" || treatmentOf(oktaErrorCode) === "forbidden";

/** An org that does not have devices at all has not lost them. */
const isNoFeature = (permission: Permission, { oktaErrorCode }: OktaError): boolean =>
  permission === "devices" && treatmentOf(oktaErrorCode) === "forbidden";

/** A refusal, as it is stored. @param at ms since the epoch */
const refusedBy = (error: OktaError, at: number): Refused => {
  const remedy = remedyOf(error);
  return { message: error.message, ...(remedy !== null && { remedy }), since: at };
};

/** How one call went. */
export interface Outcome {
  readonly permission: Permission;
  /** Null: it was answered. */
  readonly refused: (Refused & { readonly isForAll: boolean }) | null;
}

/**
 * What an answer says of a permission; null if it says nothing of one. An empty list of groups is no answer: every org has
 * groups, so it may as well mean that the credential may not see them.
 * @param result the body, or why there is none
 * @param at ms since the epoch
 */
export const outcomeOf = (
  endpoint: Endpoint,
  result: Result<{ readonly body: unknown }, OktaError>,
  at: number,
): Outcome | null => {
  const kind = kinds[endpoint];
  if (kind === undefined) return null;
  const { permission, isList = false } = kind;
  if (result.ok) {
    const { body } = result.value;
    const isOpen = permission === "groups" && Array.isArray(body) && body.length === 0;
    return isOpen ? null : { permission, refused: null };
  }
  const { error } = result;
  if (!isForbidden(error) || isNoFeature(permission, error)) return null;
  return { permission, refused: { ...refusedBy(error, at), isForAll: isList || isForEverything(error) } };
};

/** A tally after one more call. */
const after = (was: Tally, { refused }: Outcome): Tally => {
  if (refused === null) return { answered: was.answered + 1, refused: 0 };
  const { isForAll, ...first } = refused;
  return {
    ...was,
    first: was.first ?? first,
    refused: was.refused + 1,
    ...((isForAll || was.isForAll) && { isForAll: true }),
  };
};

/** The tallies after more calls, in their order. */
export const tallied = (tallies: Tallies, outcomes: readonly Outcome[]): Tallies => {
  const all: Partial<Record<Permission, Tally>> = { ...tallies };
  for (const outcome of outcomes) all[outcome.permission] = after(all[outcome.permission] ?? none, outcome);
  return all;
};

/** Whether what is refused is lost, and not only what somebody may not see of it. */
const isLost = ({ answered, refused, isForAll, isProbed }: Tally): boolean =>
  refused > 0 &&
  (isForAll === true || (isProbed === true && refused > 1) || (answered === 0 && refused >= SURELY));

/**
 * What is lost after more calls.
 * @param tallies of the run that made them
 * @param fresh the permissions that they were about
 * @returns also those that were lost and are back
 */
export const judged = (
  lost: Lost,
  tallies: Tallies,
  fresh: Iterable<Permission>,
): { readonly lost: Lost; readonly back: readonly Permission[] } => {
  let now = lost;
  const back: Permission[] = [];
  for (const permission of fresh) {
    const tally = tallies[permission] ?? none;
    const { [permission]: was, ...others } = now;
    if (tally.refused === 0) {
      if (was === undefined || tally.answered === 0) continue;
      now = others;
      back.push(permission);
    } else if (was === undefined && tally.first !== undefined && isLost(tally)) {
      now = { ...now, [permission]: tally.first };
    }
  }
  return { lost: now, back };
};

/** After so many refusals in a row, what was answered before them in the same run proves nothing any more. */
const PERHAPS = 5;

/** The permissions of which a run cannot tell yet whether they are lost: the last calls were refused. */
export const doubtful = (tallies: Tallies, lost: Lost): Permission[] =>
  (Object.keys(tallies) as Permission[]).filter((permission) => {
    const { answered, refused, isProbed } = tallies[permission] ?? none;
    const isOpen = refused >= PERHAPS || (refused > 0 && answered === 0);
    return isOpen && isProbed !== true && lost[permission] === undefined;
  });

/** What is lost, for people. */
export const lostFacts: Readonly<Record<Permission, string>> = {
  users: "the users",
  devices: "the devices",
  log: "the System Log",
  groups: "the groups",
  memberships: "who is in which group",
  factors: "MFA factors",
  roles: "the admin roles of users",
  group_roles: "the admin roles that groups give",
  role_assignees: "who has admin roles",
};
