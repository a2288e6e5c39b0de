/** Okta's Management API as this connector uses it: one method per endpoint, lists page by page. */
import { isPlainObject } from "../lib/json.ts";
import { holdsSecret } from "../lib/redact.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaClient, OktaResponse } from "./client.ts";
import { type Endpoint, pathOf } from "./endpoints.ts";
import { type OktaError, oktaError, tookTooLong } from "./errors.ts";
import { nextLinks } from "./link-header.ts";
import { type Organization, organizationIn } from "./organization.ts";
import { limitOf, nextPage, safeNext, withLimit } from "./paging.ts";

/** One page of a list. `next` is Okta's own URL, checked to be on the base origin; null ends the list. */
export interface Page {
  readonly records: readonly unknown[];
  readonly next: string | null;
  /** How many entries were asked for in the end, if that is fewer than at first; see `PageRequest`. */
  readonly limit?: number;
}

/**
 * A list's first page by its query, or a further one by the `next` of the page before. A page for which Okta takes too
 * long is asked for again with fewer entries.
 */
export type PageRequest =
  | { readonly query?: Readonly<Record<string, string>> }
  | {
      readonly next: string;
      /** Asks for so many entries, whatever `next` says of that. */
      readonly limit?: number;
    };

/**
 * Leaves out credentials and per-user links: faster for Okta, and nothing secret reaches us. All three values
 * are needed for the speed-up.
 */
export const LEAN = {
  "content-type":
    'application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"',
};

/** A list that still fails after its pages were made smaller this many times fails for another reason than its size. */
const SHRINKS = { error: 3, silence: 2 } as const;
/** How much smaller a page becomes. Silence costs the whole time limit, so there are fewer tries and larger steps. */
const SHRINK_BY = { error: 2, silence: 4 } as const;

/**
 * Errors of every method: those of `OktaClient.get`; `invalid_response` also for JSON of another shape than Okta
 * documents and for a link to the next page that cannot be read, and `foreign_origin` also for a list whose next page is
 * on another origin. Where the org itself names that origin as one of its own, as it does with a custom domain and its
 * okta.com address, the page is read at the base origin instead.
 */
export class OktaApi {
  readonly #client: OktaClient;
  #organization: Promise<Result<Organization, OktaError>> | null = null;

  /** @param organization what the org says of itself, if that is known; otherwise it is asked if a list requires it */
  constructor(client: OktaClient, organization?: Organization) {
    this.#client = client;
    if (organization !== undefined) this.#organization = Promise.resolve(ok(organization));
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
    const page = await this.#page(endpoint, "", request, {});
    if (!page.ok) return page;
    const body = assigneesIn(page.value.response.body);
    if (body === null) {
      return err(invalid(endpoint, page.value.response, "not the {value, _links} that Okta documents"));
    }
    return this.#withNext(endpoint, page.value, body.records, body.next);
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
    return ok(organizationIn(response.value.body));
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
    const page = await this.#page(endpoint, id, request, headers);
    if (!page.ok) return page;
    const { body, headers: answered } = page.value.response;
    if (!Array.isArray(body)) return err(invalid(endpoint, page.value.response, "not a list"));
    const links = nextLinks(answered.get("link"));
    return links.ok
      ? this.#withNext(endpoint, page.value, body, links.value)
      : err(unreadableLink(endpoint, page.value.response));
  }

  /** One page: a smaller one if Okta, or what stands in front of it, takes too long for what was asked for. */
  async #page(
    endpoint: Endpoint,
    id: string,
    request: PageRequest,
    headers: Record<string, string>,
  ): Promise<Result<ReadPage, OktaError>> {
    let url: string;
    if ("next" in request) {
      const next = safeNext(request.next, this.#client.baseUrl);
      if (!next.ok) return err(foreign(endpoint, request.next));
      url = request.limit === undefined ? next.value : withLimit(next.value, request.limit);
    } else {
      const query = new URLSearchParams(request.query).toString();
      url = this.#client.baseUrl + pathOf(endpoint, id) + (query === "" ? "" : `?${query}`);
    }
    const asked = limitOf(url);
    const shrinks = { error: 0, silence: 0 };
    for (;;) {
      const limit = limitOf(url);
      const canShrink = (error: OktaError): boolean =>
        limit !== null && limit > 1 && shrinks[kindOf(error)] < SHRINKS[kindOf(error)];
      // A page that is not answered in time is not asked for again as it is: whoever wants it backs off first.
      const isFinal = (error: OktaError): boolean =>
        limit !== null && tookTooLong(error) && (error.code === "timeout" || canShrink(error));
      const answer = await this.#client.get(endpoint, url, { headers, isFinal });
      if (answer.ok)
        return ok({ response: answer.value, url, ...(limit !== asked && limit !== null && { limit }) });
      const { error } = answer;
      if (!tookTooLong(error) || limit === null) return answer;
      const kind = kindOf(error);
      if (!canShrink(error) || !this.#client.mayRepeat) return err({ ...error, pageSize: limit });
      shrinks[kind] += 1;
      url = withLimit(url, Math.ceil(limit / SHRINK_BY[kind]));
    }
  }

  /** @param links all that the page names as its next one */
  async #withNext(
    endpoint: Endpoint,
    { response, url, limit }: ReadPage,
    records: readonly unknown[],
    links: readonly string[],
  ): Promise<Result<Page, OktaError>> {
    let next = nextPage(links, url);
    if (!next.ok && next.error === "foreign_origin") {
      this.#organization ??= this.organization();
      const organization = await this.#organization;
      if (!organization.ok && organization.error.code === "rate_limited") {
        this.#organization = null;
        return organization;
      }
      next = nextPage(links, url, organization.ok ? organization.value.origins : undefined);
    }
    // It would be stored until the page is read.
    if (next.ok && next.value !== null && holdsSecret(next.value))
      return err(unreadableLink(endpoint, response));
    if (next.ok) return ok({ records, next: next.value, ...(limit !== undefined && { limit }) });
    return err(
      next.error === "unreadable" ? unreadableLink(endpoint, response) : foreign(endpoint, links[0]),
    );
  }
}

/** A page that was read, from where, and with what limit if that is not the one that was asked for at first. */
interface ReadPage {
  readonly response: OktaResponse;
  readonly url: string;
  readonly limit?: number;
}

const kindOf = ({ code }: OktaError): "error" | "silence" => (code === "timeout" ? "silence" : "error");

/** @param link the link that is not followed */
const foreign = (endpoint: Endpoint, link = ""): OktaError => {
  const what = "the next page is on another origin, where the credential must not go";
  const leadsTo = URL.canParse(link) ? new URL(link).origin.slice(0, 200) : undefined;
  return oktaError(endpoint, "foreign_origin", what, leadsTo === undefined ? {} : { leadsTo });
};

const invalid = (endpoint: Endpoint, { status }: OktaResponse, what: string): OktaError =>
  oktaError(endpoint, "invalid_response", `the answer is ${what}`, { status });

const unreadableLink = (endpoint: Endpoint, { status }: OktaResponse): OktaError =>
  oktaError(endpoint, "invalid_response", "the link to the next page cannot be read", { status });

/** The people on a page and its links to the next one; null if the body, or its link, is of another shape. */
const assigneesIn = (body: unknown): { records: unknown[]; next: readonly string[] } | null => {
  if (!isPlainObject(body) || !Array.isArray(body["value"])) return null;
  const records = body["value"];
  const links = body["_links"] ?? null;
  if (links === null) return { records, next: [] };
  if (!isPlainObject(links)) return null;
  const next = links["next"] ?? null;
  if (next === null) return { records, next: [] };
  if (!isPlainObject(next)) return null;
  const href = next["href"] ?? null;
  if (href === null) return { records, next: [] };
  return typeof href === "string" && href !== "" ? { records, next: [href] } : null;
};
