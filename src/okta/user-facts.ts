/**
 * What Okta says of one account beside its user record: groups, factors and roles. Runs and look-ups both read
 * them here, so that they agree on what is none and what is unknown.
 */
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaApi } from "./api.ts";
import type { Endpoint } from "./endpoints.ts";
import { type OktaError, oktaError } from "./errors.ts";
import {
  identifierOf,
  type OktaFactor,
  type OktaGroup,
  type OktaRole,
  type Parsed,
  parseFactors,
  parseGroups,
  parseRoles,
} from "./records.ts";

/** The account that is asked about. */
export interface AccountRef {
  readonly id: string;
  /** As Okta spells it; null when unknown. */
  readonly status: string | null;
}

/**
 * Okta answered, but its answer does not tell the fact: entries that cannot be read, or more pages than anybody
 * has. This concerns one account and is no sign of an outage; see `isUnusable`.
 */
export interface UnusableAnswer extends OktaError {
  readonly code: "invalid_response";
  readonly status: 200;
  readonly unusable: true;
}

export type UserFactError = OktaError | UnusableAnswer;

/** Tells an answer that cannot be used from a call that failed, where the code may be `invalid_response` as well. */
export const isUnusable = (error: UserFactError): error is UnusableAnswer => "unusable" in error;

/** Groups on a page, the most that Okta gives. */
const GROUPS_PER_PAGE = 200;
/** No account is in more pages of groups than this; a list that goes on is not going to end. */
const MAX_GROUP_PAGES = 50;
/** Somebody may wait for the answer, so a list that shows nothing new is given up soon. */
const MAX_IDLE_PAGES = 3;

/**
 * The account's factors, sorted, in one call. Errors: every code of `OktaErrorCode`; one entry that cannot be
 * read makes the whole list unusable. Okta answers 404 for a DEPROVISIONED account, which has none.
 */
export const readFactors = async (
  api: Pick<OktaApi, "userFactors">,
  user: AccountRef,
): Promise<Result<readonly OktaFactor[], UserFactError>> => {
  const answer = await api.userFactors(user.id);
  if (!answer.ok) return noneOr(user, answer.error);
  return everyRecord("GET /api/v1/users/{id}/factors", parseFactors(answer.value));
};

/** The account's roles, direct and through groups, sorted, in one call. Errors: as `readFactors`. */
export const readRoles = async (
  api: Pick<OktaApi, "userRoles">,
  user: AccountRef,
): Promise<Result<readonly OktaRole[], UserFactError>> => {
  const answer = await api.userRoles(user.id);
  if (!answer.ok) return noneOr(user, answer.error);
  return everyRecord("GET /api/v1/users/{id}/roles", parseRoles(answer.value));
};

/**
 * The account's groups, sorted, in one call per 200 groups. Errors: as `readFactors`, and a list of more than 50
 * pages, or one that goes on without showing anything new, is unusable: part of a list is not the list.
 */
export const readGroups = async (
  api: Pick<OktaApi, "userGroups">,
  user: AccountRef,
): Promise<Result<readonly OktaGroup[], UserFactError>> => {
  const endpoint = "GET /api/v1/users/{id}/groups";
  const records: unknown[] = [];
  const shown = new Set<unknown>();
  let idle = 0;
  let next: string | null = null;
  for (let page = 0; page < MAX_GROUP_PAGES; page++) {
    const answer: Awaited<ReturnType<typeof api.userGroups>> = await api.userGroups(
      user.id,
      next === null ? { query: { limit: String(GROUPS_PER_PAGE) } } : { next },
    );
    if (!answer.ok) return noneOr(user, answer.error);
    const known = shown.size;
    for (const record of answer.value.records) shown.add(identifierOf(record));
    idle = shown.size > known ? 0 : idle + 1;
    records.push(...answer.value.records);
    const isSelf = answer.value.next !== null && answer.value.next === next;
    next = answer.value.next;
    if (next !== null && (isSelf || idle >= MAX_IDLE_PAGES)) {
      return err(unusable(endpoint, "the list does not end: it names a next page and shows nothing new"));
    }
    if (next === null) return everyRecord(endpoint, parseGroups(records));
  }
  return err(unusable(endpoint, `the list has more than ${MAX_GROUP_PAGES} pages`));
};

/** A 404 means none for somebody without an account. For others the fact could not be read. */
const noneOr = (user: AccountRef, error: OktaError): Result<[], OktaError> =>
  error.code === "not_found" && user.status === "DEPROVISIONED" ? ok([]) : err(error);

/** All or nothing: a list without the entries that could not be read would say that the account has fewer. */
const everyRecord = <T>(
  endpoint: Endpoint,
  { records, quarantined }: Parsed<T>,
): Result<readonly T[], UnusableAnswer> => {
  if (quarantined.length === 0) return ok(records);
  const all = records.length + quarantined.length;
  return err(unusable(endpoint, `${quarantined.length} of ${all} records could not be read`));
};

const unusable = (endpoint: Endpoint, what: string): UnusableAnswer => ({
  ...oktaError(endpoint, "invalid_response", what),
  code: "invalid_response",
  status: 200,
  unusable: true,
});
