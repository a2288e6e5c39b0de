/** Okta's Management API as this connector uses it: one method per endpoint, lists page by page. */
import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaClient, OktaResponse } from "./client.ts";
import { type Endpoint, pathOf } from "./endpoints.ts";
import { type OktaError, oktaError } from "./errors.ts";
import { limitOf, nextLink, safeNext, withLimit } from "./paging.ts";

/** One page of a list. `next` is Okta's own URL, checked to be on the base origin; null ends the list. */
export interface Page {
  readonly records: readonly unknown[];
  readonly next: string | null;
}

/** A list's first page by its query, or a further one by the `next` of the page before. */
export type PageRequest = { readonly query?: Readonly<Record<string, string>> } | { readonly next: string };

/** Who an org says it is; null where it does not say. */
export interface Organization {
  readonly id: string | null;
  /** `idx` is Identity Engine, `v1` Classic Engine. */
  readonly pipeline: string | null;
}

/**
 * Leaves out credentials and per-user links: faster for Okta, and nothing secret reaches us. All three values
 * are needed for the speed-up.
 */
const LEAN = {
  "content-type":
    'application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"',
};

/** A list that still fails after this many halvings fails for another reason than its size. */
const HALVINGS = 3;

/**
 * Errors of every method: those of `OktaClient.get`; `invalid_response` also for JSON of another shape than Okta
 * documents, and `foreign_origin` also for a list whose next page is on another origin.
 */
export class OktaApi {
  readonly #client: OktaClient;

  constructor(client: OktaClient) {
    this.#client = client;
  }

  /** Okta's clock less ours, ms, by the last answer's Date header; see `clockSkew`. */
  get skewMs(): number {
    return this.#client.skewMs;
  }

  /** Now by Okta's clock, ms since the epoch. */
  serverNow(): number {
    return this.#client.serverNow();
  }

  users(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/users", "", request, LEAN);
  }

  /** By id or login. `not_found` when there is none. */
  user(idOrLogin: string): Promise<Result<unknown, OktaError>> {
    return this.#one("GET /api/v1/users/{id}", idOrLogin);
  }

  userGroups(userId: string, request: PageRequest = {}): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/users/{id}/groups", userId, request);
  }

  userFactors(userId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged("GET /api/v1/users/{id}/factors", userId);
  }

  userRoles(userId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged("GET /api/v1/users/{id}/roles", userId);
  }

  groups(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/groups", "", request);
  }

  group(groupId: string): Promise<Result<unknown, OktaError>> {
    return this.#one("GET /api/v1/groups/{id}", groupId);
  }

  groupUsers(groupId: string, request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/groups/{id}/users", groupId, request, LEAN);
  }

  groupRoles(groupId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged("GET /api/v1/groups/{id}/roles", groupId);
  }

  /** Users with a role assigned to them. The next page is named in the body, not in the Link header. */
  async roleAssignees(request: PageRequest): Promise<Result<Page, OktaError>> {
    const endpoint = "GET /api/v1/iam/assignees/users";
    const response = await this.#page(endpoint, "", request, {});
    if (!response.ok) return response;
    const body = assigneesIn(response.value.body);
    if (body === null) {
      return err(invalid(endpoint, response.value, "not the {value, _links} that Okta documents"));
    }
    return this.#withNext(endpoint, body.records, body.next);
  }

  devices(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/devices", "", request);
  }

  device(deviceId: string): Promise<Result<unknown, OktaError>> {
    return this.#one("GET /api/v1/devices/{id}", deviceId);
  }

  deviceUsers(deviceId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged("GET /api/v1/devices/{id}/users", deviceId);
  }

  /** In polling mode there is always a `next`: the caller stops at an empty page or an unchanged cursor. */
  logs(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/logs", "", request);
  }

  /** Who the org is. The credential is not sent, because Okta does not need it. */
  async organization(): Promise<Result<Organization, OktaError>> {
    const endpoint = "GET /.well-known/okta-organization";
    const url = this.#client.baseUrl + pathOf(endpoint);
    const response = await this.#client.get(endpoint, url, { anonymous: true });
    if (!response.ok) return response;
    const body = isPlainObject(response.value.body) ? response.value.body : {};
    const text = (value: unknown): string | null =>
      typeof value === "string" && value !== "" ? value.slice(0, 100) : null;
    return ok({ id: text(body["id"]), pipeline: text(body["pipeline"]) });
  }

  async #one(endpoint: Endpoint, id: string): Promise<Result<unknown, OktaError>> {
    const response = await this.#client.get(endpoint, this.#client.baseUrl + pathOf(endpoint, id));
    return response.ok ? ok(response.value.body) : response;
  }

  async #unpaged(endpoint: Endpoint, id: string): Promise<Result<readonly unknown[], OktaError>> {
    const response = await this.#client.get(endpoint, this.#client.baseUrl + pathOf(endpoint, id));
    if (!response.ok) return response;
    const { body } = response.value;
    return Array.isArray(body) ? ok(body) : err(invalid(endpoint, response.value, "not a list"));
  }

  async #list(
    endpoint: Endpoint,
    id: string,
    request: PageRequest,
    headers: Record<string, string> = {},
  ): Promise<Result<Page, OktaError>> {
    const response = await this.#page(endpoint, id, request, headers);
    if (!response.ok) return response;
    const { body } = response.value;
    if (!Array.isArray(body)) return err(invalid(endpoint, response.value, "not a list"));
    return this.#withNext(endpoint, body, nextLink(response.value.headers.get("link")));
  }

  /** One page. A 500 usually is a time-out of Okta's own on too large a page, so half of it is asked for instead. */
  async #page(
    endpoint: Endpoint,
    id: string,
    request: PageRequest,
    headers: Record<string, string>,
  ): Promise<Result<OktaResponse, OktaError>> {
    let url: string;
    if ("next" in request) {
      const next = safeNext(request.next, this.#client.baseUrl);
      if (!next.ok) return err(foreign(endpoint));
      url = next.value;
    } else {
      const query = new URLSearchParams(request.query).toString();
      url = this.#client.baseUrl + pathOf(endpoint, id) + (query === "" ? "" : `?${query}`);
    }
    for (let halvings = 0; ; halvings++) {
      const limit = limitOf(url);
      const canHalve = limit !== null && limit > 1 && halvings < HALVINGS;
      const response = await this.#client.get(endpoint, url, { headers, fail500: canHalve });
      if (response.ok || response.error.status !== 500 || !canHalve || !this.#client.mayRepeat) {
        return response;
      }
      url = withLimit(url, Math.ceil(limit / 2));
    }
  }

  #withNext(endpoint: Endpoint, records: readonly unknown[], next: string | null): Result<Page, OktaError> {
    if (next === null) return ok({ records, next: null });
    const safe = safeNext(next, this.#client.baseUrl);
    return safe.ok ? ok({ records, next: safe.value }) : err(foreign(endpoint));
  }
}

const foreign = (endpoint: Endpoint): OktaError => {
  const what = "the next page is on another origin, where the credential must not go";
  return oktaError(endpoint, "foreign_origin", what);
};

const invalid = (endpoint: Endpoint, { status }: OktaResponse, what: string): OktaError =>
  oktaError(endpoint, "invalid_response", `the answer is ${what}`, { status });

const assigneesIn = (body: unknown): { records: unknown[]; next: string | null } | null => {
  if (!isPlainObject(body) || !Array.isArray(body["value"])) return null;
  const links = body["_links"];
  const next = isPlainObject(links) ? links["next"] : null;
  const href = isPlainObject(next) ? next["href"] : null;
  return { records: body["value"], next: typeof href === "string" ? href : null };
};
