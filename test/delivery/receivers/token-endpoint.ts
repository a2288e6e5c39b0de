/** A token endpoint (RFC 6749, section 4.4) that checks the client's secret in the body, and misbehaves on command. */
import { json } from "./receiver.ts";

export type TokenMood =
  | "grants"
  /** 500 to everything. */
  | "down"
  /** 400 `invalid_client`, as for a secret that was revoked or has expired. */
  | "refuses"
  /** No answer before anybody's patience ends. */
  | "hangs"
  | "gone"
  /** It grants tokens that no receiver knows. */
  | "grants what nobody takes"
  /** A page to log in with. */
  | "login page";

export const tokenMoods: readonly TokenMood[] = [
  "grants",
  "down",
  "refuses",
  "hangs",
  "gone",
  "grants what nobody takes",
  "login page",
];

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
}

export class TokenEndpoint {
  mood: TokenMood = "grants";
  /** Seconds; null: it does not say. */
  lifetime: number | null = 3600;
  requests = 0;
  /** Tokens that receivers take. */
  readonly valid = new Set<string>();
  readonly issued: string[] = [];
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Whether a receiver takes a request with these headers. */
  allows(headers: Headers): boolean {
    const [, token = ""] = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "") ?? [];
    return this.valid.has(token);
  }

  /** No token that was granted so far is taken any more. */
  revoke(): void {
    this.valid.clear();
  }

  async handle(request: Request): Promise<Response> {
    this.requests += 1;
    const { clientId, clientSecret, scope } = this.#client;
    const form = new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
    switch (this.mood) {
      case "down":
        return new Response("internal error", { status: 500 });
      case "refuses":
        return json(400, { error: "invalid_client", error_description: "The client secret has expired." });
      case "hangs":
        throw new DOMException("no answer within 30000 ms", "TimeoutError");
      case "gone":
        throw new TypeError("the connection was refused");
      case "login page":
        return new Response("<!DOCTYPE html><title>Sign in</title>");
      default:
    }
    if (request.method !== "POST" || request.headers.get("authorization") !== null)
      return json(400, { error: "invalid_request" });
    if (!/^application\/x-www-form-urlencoded\b/.test(request.headers.get("content-type") ?? ""))
      return json(400, { error: "invalid_request" });
    if (form.get("grant_type") !== "client_credentials")
      return json(400, { error: "unsupported_grant_type" });
    if (form.get("client_id") !== clientId || form.get("client_secret") !== clientSecret)
      return json(401, { error: "invalid_client" }, { "www-authenticate": 'Basic realm="token"' });
    if (form.get("scope") !== scope) return json(400, { error: "invalid_scope" });
    const token = `access-token-${this.#client.clientId}-${this.issued.length + 1}`;
    this.issued.push(token);
    if (this.mood === "grants") this.valid.add(token);
    return json(200, {
      access_token: token,
      token_type: "Bearer",
      ...(this.lifetime === null ? {} : { expires_in: this.lifetime }),
    });
  }

  /** The endpoint as a network of its own. */
  readonly fetch: typeof fetch = (input, init) => this.handle(new Request(input, init));
}
