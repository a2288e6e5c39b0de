/** Okta's Management API as this connector uses it: one method an endpoint, lists page by page. */
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaAnswer, OktaClient } from "./client.ts";
import type { Endpoint } from "./endpoints.ts";
import type { OktaError } from "./errors.ts";
import { limitOf, nextLink, safeNext, withLimit } from "./paging.ts";

/** One page of a list. `next` is Okta's own URL, checked to be on the base origin; null ends the list. */
export interface Page {
  readonly records: readonly unknown[];
  readonly next: string | null;
}

/** A list's first page by its query, or a further one by the `next` of the page before. */
export type PageRequest = { readonly query?: Readonly<Record<string, string>> } | { readonly next: string };

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

export class OktaApi {
  readonly #client: OktaClient;

  constructor(client: OktaClient) {
    this.#client = client;
  }

  /** Okta's clock less ours, ms, by the last answer's Date header; see `OktaClient`. */
  get skewMs(): number {
    return this.#client.skewMs;
  }

  /** Now by Okta's clock, ms since the epoch. */
  serverNow(): number {
    return this.#client.serverNow();
  }

  users(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/users", "/api/v1/users", request, LEAN);
  }

  /** By id or login (URL-encoded here). `not_found` when there is none. */
  user(idOrLogin: string): Promise<Result<unknown, OktaError>> {
    return this.#one("GET /api/v1/users/{id}", `/api/v1/users/${encodeURIComponent(idOrLogin)}`);
  }

  userGroups(userId: string, request: PageRequest = {}): Promise<Result<Page, OktaError>> {
    return this.#list(
      "GET /api/v1/users/{id}/groups",
      `/api/v1/users/${encodeURIComponent(userId)}/groups`,
      request,
    );
  }

  userFactors(userId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged(
      "GET /api/v1/users/{id}/factors",
      `/api/v1/users/${encodeURIComponent(userId)}/factors`,
    );
  }

  userRoles(userId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged("GET /api/v1/users/{id}/roles", `/api/v1/users/${encodeURIComponent(userId)}/roles`);
  }

  groups(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/groups", "/api/v1/groups", request);
  }

  group(groupId: string): Promise<Result<unknown, OktaError>> {
    return this.#one("GET /api/v1/groups/{id}", `/api/v1/groups/${encodeURIComponent(groupId)}`);
  }

  groupUsers(groupId: string, request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list(
      "GET /api/v1/groups/{id}/users",
      `/api/v1/groups/${encodeURIComponent(groupId)}/users`,
      request,
      LEAN,
    );
  }

  groupRoles(groupId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged(
      "GET /api/v1/groups/{id}/roles",
      `/api/v1/groups/${encodeURIComponent(groupId)}/roles`,
    );
  }

  /** Users with a role assigned to them. Pages in the body, not in the Link header. */
  async roleAssignees(request: PageRequest): Promise<Result<Page, OktaError>> {
    const endpoint = "GET /api/v1/iam/assignees/users";
    const answer = await this.#page(endpoint, "/api/v1/iam/assignees/users", request, {});
    if (!answer.ok) return answer;
    const body = assigneesBody(answer.value.body);
    if (body === null)
      return err(invalid(endpoint, answer.value, "not the {value, _links} that Okta documents"));
    return this.#withNext(endpoint, body.records, body.next);
  }

  devices(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/devices", "/api/v1/devices", request);
  }

  device(deviceId: string): Promise<Result<unknown, OktaError>> {
    return this.#one("GET /api/v1/devices/{id}", `/api/v1/devices/${encodeURIComponent(deviceId)}`);
  }

  deviceUsers(deviceId: string): Promise<Result<readonly unknown[], OktaError>> {
    return this.#unpaged(
      "GET /api/v1/devices/{id}/users",
      `/api/v1/devices/${encodeURIComponent(deviceId)}/users`,
    );
  }

  /** In polling mode `next` is always there: the caller stops at an empty page or an unchanged cursor. */
  logs(request: PageRequest): Promise<Result<Page, OktaError>> {
    return this.#list("GET /api/v1/logs", "/api/v1/logs", request);
  }

  /** The org's id and pipeline: `idx` is Identity Engine, `v1` Classic. Needs no credential. */
  async organization(): Promise<Result<{ id: string | null; pipeline: string | null }, OktaError>> {
    const answer = await this.#one("GET /.well-known/okta-organization", "/.well-known/okta-organization");
    if (!answer.ok) return answer;
    const body: unknown = answer.value;
    const text = (key: "id" | "pipeline"): string | null => {
      const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, key) : null;
      return typeof value === "string" ? value.slice(0, 100) : null;
    };
    return ok({ id: text("id"), pipeline: text("pipeline") });
  }

  async #one(endpoint: Endpoint, path: string): Promise<Result<unknown, OktaError>> {
    const answer = await this.#client.get(endpoint, this.#client.baseUrl + path);
    return answer.ok ? ok(answer.value.body) : answer;
  }

  async #unpaged(endpoint: Endpoint, path: string): Promise<Result<readonly unknown[], OktaError>> {
    const answer = await this.#client.get(endpoint, this.#client.baseUrl + path);
    if (!answer.ok) return answer;
    const { body } = answer.value;
    return Array.isArray(body) ? ok(body) : err(invalid(endpoint, answer.value, "not a list"));
  }

  async #list(
    endpoint: Endpoint,
    path: string,
    request: PageRequest,
    headers: Record<string, string> = {},
  ): Promise<Result<Page, OktaError>> {
    const answer = await this.#page(endpoint, path, request, headers);
    if (!answer.ok) return answer;
    const { body } = answer.value;
    if (!Array.isArray(body)) return err(invalid(endpoint, answer.value, "not a list"));
    return this.#withNext(endpoint, body, nextLink(answer.value.headers.get("link")));
  }

  /** One page; a 500 usually is Okta's own time-out on a page too large, so the page is halved and tried again. */
  async #page(
    endpoint: Endpoint,
    path: string,
    request: PageRequest,
    headers: Record<string, string>,
  ): Promise<Result<OktaAnswer, OktaError>> {
    let url: string;
    if ("next" in request) {
      const next = safeNext(request.next, this.#client.baseUrl);
      if (!next.ok) return err(foreign(endpoint));
      url = next.value;
    } else {
      const query = new URLSearchParams(request.query).toString();
      url = this.#client.baseUrl + path + (query === "" ? "" : `?${query}`);
    }
    for (let halvings = 0; ; halvings++) {
      const limit = limitOf(url);
      const canHalve = limit !== null && limit > 1 && halvings < HALVINGS;
      const answer = await this.#client.get(endpoint, url, { headers, fail500: canHalve });
      if (answer.ok || answer.error.status !== 500 || !canHalve) return answer;
      url = withLimit(url, Math.ceil(limit / 2));
    }
  }

  #withNext(endpoint: Endpoint, records: readonly unknown[], next: string | null): Result<Page, OktaError> {
    if (next === null) return ok({ records, next: null });
    const safe = safeNext(next, this.#client.baseUrl);
    return safe.ok ? ok({ records, next: safe.value }) : err(foreign(endpoint));
  }
}

const foreign = (endpoint: Endpoint): OktaError => ({
  code: "foreign_origin",
  message: `${endpoint}: the next page is on another origin, where the credential must not go`,
  endpoint,
  status: null,
  oktaErrorCode: null,
  retryAt: null,
});

const invalid = (endpoint: Endpoint, answer: OktaAnswer, what: string): OktaError => ({
  code: "invalid_response",
  message: `${endpoint}: the answer is ${what}`,
  endpoint,
  status: answer.status,
  oktaErrorCode: null,
  retryAt: null,
});

const assigneesBody = (body: unknown): { records: unknown[]; next: string | null } | null => {
  if (typeof body !== "object" || body === null || !("value" in body) || !Array.isArray(body.value))
    return null;
  const links: unknown = "_links" in body ? body._links : null;
  const next: unknown = typeof links === "object" && links !== null && "next" in links ? links.next : null;
  const href: unknown = typeof next === "object" && next !== null && "href" in next ? next.href : null;
  return { records: body.value, next: typeof href === "string" ? href : null };
};
