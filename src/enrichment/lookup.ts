/** One look-up at Okta: who is meant, then groups, factors and roles side by side, within a time budget. */

import { err, ok, type Result } from "../lib/result.ts";
import type { OktaApi, Page } from "../okta/api.ts";
import type { OktaError } from "../okta/errors.ts";
import { type OktaUser, parseAll, parseFactor, parseGroup, parseRole, parseUser } from "../okta/records.ts";
import {
  type Account,
  activeFactors,
  activeRoles,
  groupNames,
  knownAt,
  missing,
  type Reading,
  toAccount,
} from "./account.ts";
import {
  type AccountNames,
  foldCase,
  hasEmail,
  type Identifier,
  isNamed,
  nameIdentifier,
  searchByAddress,
  searchByEmail,
  searchByShortName,
} from "./identifier.ts";

/** The endpoints that a look-up needs. */
export type LookupApi = Pick<OktaApi, "user" | "users" | "userGroups" | "userFactors" | "userRoles">;

export interface LookupOptions {
  readonly now: () => number;
  /** Resolves when the time is up: what is known then is answered, the rest is a time-out. */
  readonly timeUp: Promise<void>;
}

/** `emailIsUnique`: no other account has this e-mail as e-mail or login, so that it may stand for the account. */
export type LookedUp =
  | { readonly found: "one"; readonly account: Account; readonly emailIsUnique: boolean }
  | { readonly found: "many"; readonly logins: readonly string[] }
  | { readonly found: "none" };

type OktaResult<T> = Promise<Result<T, OktaError>>;

/** 200 groups a page: far beyond what one account is in. */
const MAX_GROUP_PAGES = 50;
/** 200 accounts a page: as many domains with the same short name. */
const MAX_SEARCH_PAGES = 5;
const PAGE = "200";

const namesOf = (user: OktaUser): AccountNames => ({
  id: user.id,
  login: user.profile.login ?? null,
  email: user.profile.email ?? null,
});

const failure = (code: "invalid_response" | "timeout", endpoint: string, what: string): OktaError => ({
  code,
  message: `${endpoint}: ${what}`,
  endpoint,
  status: null,
  oktaErrorCode: null,
  retryAt: null,
});

class Lookup {
  readonly #api: LookupApi;
  readonly #options: LookupOptions;

  constructor(api: LookupApi, options: LookupOptions) {
    this.#api = api;
    this.#options = options;
  }

  async run(identifier: Identifier): Promise<Result<LookedUp, OktaError>> {
    const direct = await this.#direct(identifier);
    if (!direct.ok) return direct;
    if (direct.value !== null) return ok(await this.#complete(direct.value, false));
    if (identifier.kind === "id") return ok({ found: "none" });
    const matches = await this.#search(identifier);
    if (!matches.ok) return matches;
    const [first, ...others] = matches.value;
    if (first === undefined) return ok({ found: "none" });
    if (others.length > 0) {
      return ok({ found: "many", logins: matches.value.map((user) => user.profile.login ?? user.id).sort() });
    }
    return ok(await this.#complete(first, identifier.kind === "email"));
  }

  /** By id, login or unambiguous short name; null when Okta has none or has understood another one. */
  async #direct(identifier: Identifier): OktaResult<OktaUser | null> {
    const endpoint = "GET /api/v1/users/{id}";
    const answer = await this.#inTime(endpoint, this.#api.user(identifier.given));
    if (!answer.ok) return answer.error.code === "not_found" ? ok(null) : answer;
    const user = parseUser(answer.value);
    if (!user.ok) return err(failure("invalid_response", endpoint, `the user has ${user.error.reason}`));
    return ok(isNamed(identifier, namesOf(user.value)) ? user.value : null);
  }

  async #search(identifier: Identifier): OktaResult<OktaUser[]> {
    const { kind, value } = identifier;
    const search = kind === "email" ? searchByEmail(value) : searchByShortName(value);
    const records = await this.#all("GET /api/v1/users", MAX_SEARCH_PAGES, (next) =>
      this.#api.users(next === null ? { query: { search, limit: PAGE } } : { next }),
    );
    if (!records.ok) return records;
    return ok(
      parseAll(records.value, parseUser).records.filter((user) =>
        kind === "email" ? hasEmail(value, namesOf(user)) : isNamed(identifier, namesOf(user)),
      ),
    );
  }

  async #complete(user: OktaUser, emailIsUnique: boolean): Promise<LookedUp> {
    const [groups, factors, adminRoles, unique] = await Promise.all([
      this.#groups(user),
      this.#factors(user),
      this.#roles(user),
      emailIsUnique || this.#emailIsUnique(user),
    ]);
    return { found: "one", account: toAccount(user, { groups, factors, adminRoles }), emailIsUnique: unique };
  }

  async #groups(user: OktaUser): Promise<Reading<readonly string[]>> {
    const endpoint = "GET /api/v1/users/{id}/groups";
    const answer = await this.#all(endpoint, MAX_GROUP_PAGES, (next) =>
      this.#api.userGroups(user.id, next === null ? { query: { limit: PAGE } } : { next }),
    );
    return this.#reading(endpoint, answer, parseGroup, groupNames);
  }

  async #factors(user: OktaUser) {
    const endpoint = "GET /api/v1/users/{id}/factors";
    const answer = await this.#inTime(endpoint, this.#api.userFactors(user.id));
    // Okta answers 404 for the factors of a deprovisioned user: there are none.
    const gone = !answer.ok && answer.error.code === "not_found" && user.status === "DEPROVISIONED";
    return this.#reading(endpoint, gone ? ok([]) : answer, parseFactor, activeFactors);
  }

  async #roles(user: OktaUser) {
    const endpoint = "GET /api/v1/users/{id}/roles";
    const answer = await this.#inTime(endpoint, this.#api.userRoles(user.id));
    return this.#reading(endpoint, answer, parseRole, activeRoles);
  }

  /**
   * Whether the e-mail, where it is not the login, leads to this account alone: two accounts may share one, and
   * the first that was looked up must not answer for both. Any doubt is a no.
   */
  async #emailIsUnique(user: OktaUser): Promise<boolean> {
    const { login, email } = namesOf(user);
    if (email === null || nameIdentifier(email).kind !== "email") return false;
    const folded = foldCase(email);
    if (login !== null && foldCase(login) === folded) return true;
    const answering = await this.#fitsAlone(searchByAddress(folded), user);
    if (answering.ok || answering.error.code !== "bad_request") return answering.ok && answering.value;
    // No `or` there: in two questions, then.
    const [withEmail, withLogin] = await Promise.all([
      this.#fitsAlone(searchByEmail(folded), user),
      this.#direct(nameIdentifier(email)),
    ]);
    return withEmail.ok && withEmail.value && withLogin.ok && withLogin.value === null;
  }

  /** Whether a search finds this account and no other. */
  async #fitsAlone(search: string, user: OktaUser): OktaResult<boolean> {
    const query = { search, limit: PAGE };
    const page = await this.#inTime("GET /api/v1/users", this.#api.users({ query }));
    if (!page.ok) return page;
    const ids = parseAll(page.value.records, parseUser).records.map((other) => other.id);
    return ok(page.value.next === null && ids.length === 1 && ids[0] === user.id);
  }

  #reading<T, U>(
    endpoint: string,
    answer: Result<readonly unknown[], OktaError>,
    parse: Parameters<typeof parseAll<T>>[1],
    map: (records: readonly T[]) => U,
  ): Reading<U> {
    if (!answer.ok) return missing(answer.error.code, answer.error.message);
    const { records, quarantined } = parseAll(answer.value, parse);
    if (quarantined.length > 0) {
      const what = `${quarantined.length} of ${answer.value.length} records could not be read`;
      return missing("invalid_response", `${endpoint}: ${what}`);
    }
    return knownAt(map(records), this.#options.now());
  }

  /** Every page of a list, or the first failure: part of a list is not the list. */
  async #all(
    endpoint: string,
    maxPages: number,
    fetchPage: (next: string | null) => OktaResult<Page>,
  ): OktaResult<readonly unknown[]> {
    const records: unknown[] = [];
    let next: string | null = null;
    for (let page = 0; page < maxPages; page++) {
      const answer: Result<Page, OktaError> = await this.#inTime(endpoint, fetchPage(next));
      if (!answer.ok) return answer;
      records.push(...answer.value.records);
      next = answer.value.next;
      if (next === null) return ok(records);
    }
    return err(failure("invalid_response", endpoint, `the list has more than ${maxPages} pages`));
  }

  #inTime<T>(endpoint: string, work: OktaResult<T>): OktaResult<T> {
    const late = this.#options.timeUp.then(() =>
      err(failure("timeout", endpoint, "no answer within the time that a look-up may take")),
    );
    return Promise.race([work, late]);
  }
}

/**
 * Looks an account up: an id by id; an e-mail as login, then as profile e-mail; a username as short name, then
 * as login with any domain. A name that fits several accounts picks none.
 *
 * Costs 4 calls where the identifier is the id or login (plus one a further page of groups), one more where a
 * search is needed, and one more where the account's e-mail is not its login (three where the org's search
 * knows no `or`).
 *
 * @returns what was found, facts that could not be read being `known: false`; an error when not even the user
 *   could be read: any code of `OktaErrorCode` but `not_found`
 */
export const lookUpAccount = (
  api: LookupApi,
  identifier: Identifier,
  options: LookupOptions,
): Promise<Result<LookedUp, OktaError>> => new Lookup(api, options).run(identifier);
