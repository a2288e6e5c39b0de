/** One look-up at Okta: who is meant, then their groups, factors and roles at the same time, within a time budget. */
import type { Found } from "../contract/found.ts";
import { known } from "../inventory/facts.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaApi, Page, PageRequest } from "../okta/api.ts";
import { type OktaError, oktaError } from "../okta/errors.ts";
import { type OktaUser, parseAll, parseUser } from "../okta/records.ts";
import { readFactors, readGroups, readRoles } from "../okta/user-facts.ts";
import {
  type Account,
  type AccountFact,
  activeFactors,
  activeRoles,
  devicesUntold,
  groupNames,
  mapFact,
  missing,
  toAccount,
} from "./account.ts";
import {
  type AccountNames,
  fitsIntoPath,
  foldCase,
  hasEmail,
  type Identifier,
  isNamed,
  nameIdentifier,
  searchByAddress,
  searchByEmail,
  searchByLogin,
  searchByShortName,
} from "./identifier.ts";

/** The endpoints that a look-up needs. */
export type LookupApi = Pick<OktaApi, "user" | "users" | "userGroups" | "userFactors" | "userRoles">;

export interface LookupOptions {
  readonly now: () => number;
  /** Resolves when the time is up: what is known then is the answer, the rest is a timeout. */
  readonly timeUp: Promise<void>;
  /** Names of the custom profile attributes to keep. */
  readonly attributes: readonly string[];
}

/** `emailIsUnique`: no other account has this e-mail as e-mail or login, so that it may stand for the account. */
export type LookedUp = Found<{ readonly account: Account; readonly emailIsUnique: boolean }>;

type OktaResult<T> = Promise<Result<T, OktaError>>;

/** Of 200 accounts each: no short name or e-mail is shared by more. */
const MAX_SEARCH_PAGES = 5;
const PAGE = "200";

const namesOf = (user: OktaUser): AccountNames => ({
  id: user.id,
  login: user.profile.login ?? null,
  email: user.profile.email ?? null,
});

class Lookup {
  readonly #api: LookupApi;
  readonly #options: LookupOptions;
  /** When Okta last showed a user's record, ms since the epoch. */
  #readAt: number | null = null;

  constructor(api: LookupApi, options: LookupOptions) {
    this.#api = api;
    this.#options = options;
  }

  async run(identifier: Identifier): Promise<Result<LookedUp, OktaError>> {
    const direct = await this.#exact(identifier);
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

  /** By the whole name: as part of a path, or by a search where it must not be part of one. */
  async #exact(identifier: Identifier): OktaResult<OktaUser | null> {
    if (fitsIntoPath(identifier)) return this.#direct(identifier);
    const found = await this.#searchFor(searchByLogin(identifier.value), (user) =>
      isNamed(identifier, namesOf(user)),
    );
    return found.ok ? ok(found.value[0] ?? null) : found;
  }

  /** By id, login or unambiguous short name; null when Okta has no such user or answers with another one. */
  async #direct(identifier: Identifier): OktaResult<OktaUser | null> {
    const endpoint = "GET /api/v1/users/{id}";
    const answer = await this.#inTime(endpoint, this.#api.user(identifier.given));
    if (!answer.ok) return answer.error.code === "not_found" ? ok(null) : answer;
    this.#readAt = this.#options.now();
    const user = parseUser(answer.value, this.#options.attributes);
    if (!user.ok)
      return err(oktaError(endpoint, "invalid_response", `the user cannot be read: ${user.error.reason}`));
    return ok(isNamed(identifier, namesOf(user.value)) ? user.value : null);
  }

  #search(identifier: Identifier): OktaResult<OktaUser[]> {
    const { kind, value } = identifier;
    return kind === "email"
      ? this.#searchFor(searchByEmail(value), (user) => hasEmail(value, namesOf(user)))
      : this.#searchFor(searchByShortName(value), (user) => isNamed(identifier, namesOf(user)));
  }

  async #searchFor(search: string, fits: (user: OktaUser) => boolean): OktaResult<OktaUser[]> {
    const endpoint = "GET /api/v1/users";
    const users: OktaUser[] = [];
    let request: PageRequest = { query: { search, limit: PAGE } };
    for (let page = 0; page < MAX_SEARCH_PAGES; page++) {
      const answer: Result<Page, OktaError> = await this.#inTime(endpoint, this.#api.users(request));
      if (!answer.ok) return answer;
      this.#readAt = this.#options.now();
      const { records, next }: Page = answer.value;
      users.push(...this.#read(records).filter(fits));
      if (next === null) return ok(users);
      request = { next };
    }
    return err(oktaError(endpoint, "invalid_response", `the list has more than ${MAX_SEARCH_PAGES} pages`));
  }

  #read(records: readonly unknown[]): OktaUser[] {
    return parseAll(records, (record) => parseUser(record, this.#options.attributes)).records;
  }

  async #complete(user: OktaUser, emailIsUnique: boolean): Promise<LookedUp> {
    const readAt = this.#readAt;
    const [groups, factors, roles, unique] = await Promise.all([
      this.#fact("GET /api/v1/users/{id}/groups", readGroups(this.#api, user)),
      this.#fact("GET /api/v1/users/{id}/factors", readFactors(this.#api, user)),
      this.#fact("GET /api/v1/users/{id}/roles", readRoles(this.#api, user)),
      emailIsUnique || this.#emailIsUnique(user),
    ]);
    const given = groups.state === "known" ? groups.value : [];
    const account = toAccount(user, {
      readAt,
      groups: mapFact(groups, groupNames),
      factors: mapFact(factors, activeFactors),
      adminRoles: mapFact(roles, (all) => activeRoles(all, given)),
      devices: devicesUntold,
    });
    return { found: "one", account, emailIsUnique: unique };
  }

  /**
   * Whether the e-mail leads to this account alone, where it is not the login: two accounts may share an e-mail, and
   * the first that was looked up must not answer for both. In doubt, no.
   */
  async #emailIsUnique(user: OktaUser): Promise<boolean> {
    const { login, email } = namesOf(user);
    if (email === null || nameIdentifier(email).kind !== "email") return false;
    const folded = foldCase(email);
    if (login !== null && foldCase(login) === folded) return true;
    const answering = await this.#fitsAlone(searchByAddress(folded), user);
    if (answering.ok || answering.error.code !== "bad_request") return answering.ok && answering.value;
    // This org's search knows no `or`, so it takes two questions.
    const [withEmail, withLogin] = await Promise.all([
      this.#fitsAlone(searchByEmail(folded), user),
      this.#exact(nameIdentifier(email)),
    ]);
    return withEmail.ok && withEmail.value && withLogin.ok && withLogin.value === null;
  }

  /** Whether a search finds this account and no other. */
  async #fitsAlone(search: string, user: OktaUser): OktaResult<boolean> {
    const query = { search, limit: PAGE };
    const page = await this.#inTime("GET /api/v1/users", this.#api.users({ query }));
    if (!page.ok) return page;
    const ids = this.#read(page.value.records).map((other) => other.id);
    return ok(page.value.next === null && ids.length === 1 && ids[0] === user.id);
  }

  async #fact<T>(endpoint: string, reading: OktaResult<readonly T[]>): Promise<AccountFact<readonly T[]>> {
    const read = await this.#inTime(endpoint, reading);
    if (!read.ok) return missing(read.error.code, read.error.message);
    return known(read.value, this.#options.now());
  }

  #inTime<T>(endpoint: string, work: OktaResult<T>): OktaResult<T> {
    const late = this.#options.timeUp.then(() =>
      err(oktaError(endpoint, "timeout", "no answer within the time that a look-up may take")),
    );
    return Promise.race([work, late]);
  }
}

/**
 * Looks an account up: an id by id; an e-mail as login, then as profile e-mail; a username as short name, then as
 * login with any domain. A name that fits several accounts selects none of them.
 *
 * Costs 4 calls where the identifier is the id or login (plus one per further page of groups), one more where a
 * search is needed, and one more where the account's e-mail is not its login (three where the org's search knows no
 * `or`).
 *
 * @returns what was found, with facts that could not be read as unknown; an error when not even the user could be
 *   read: any code of `OktaErrorCode` but `not_found`
 */
export const lookUpAccount = (
  api: LookupApi,
  identifier: Identifier,
  options: LookupOptions,
): Promise<Result<LookedUp, OktaError>> => new Lookup(api, options).run(identifier);
