import { ChallengeError } from "../api/errors.ts";
import type { OauthClient, OrgOptions } from "../options.ts";
import type { Clock } from "../org/clock.ts";
import type { Random } from "../org/random.ts";
import { verifyAssertion } from "./assertion.ts";
import { verifyProof } from "./proof.ts";
import { ReplayGuard } from "./replay.ts";

interface AccessToken {
  clientId: string;
  scopes: string[];
  expiresAt: number;
  /** Thumbprint of the DPoP key that the token is bound to; null for a bearer token. */
  jkt: string | null;
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const refusal = (
  status: 400 | 401,
  error: string,
  description: string,
  headers: Record<string, string> = {},
): Response => Response.json({ error, error_description: description }, { status, headers });

/** The org authorization server: the client credentials grant with private_key_jwt and DPoP. */
export class Oauth {
  readonly #options: OrgOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #assertions: ReplayGuard = new ReplayGuard();
  readonly #proofs: ReplayGuard = new ReplayGuard();
  #tokens: Map<string, AccessToken> = new Map();
  #nonce: string;

  constructor(options: OrgOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#nonce = random.id("nonce");
  }

  /** Answers a token request. */
  async token(request: Request, tokenUrl: string): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    if (form.get("grant_type") !== "client_credentials") {
      return refusal(400, "unsupported_grant_type", "The grant type must be client_credentials.");
    }
    const assertion = form.get("client_assertion");
    if (assertion === null || form.get("client_assertion_type") !== ASSERTION_TYPE) {
      return refusal(401, "invalid_client", "A client_assertion is required.");
    }
    const now = this.#clock.now();
    const verified = await verifyAssertion(assertion, this.#options.clients, tokenUrl, now, this.#assertions);
    if (!verified.ok) return refusal(401, "invalid_client", verified.reason);
    const { client } = verified;
    // An app that does not need DPoP gets bearer tokens, whatever it sends.
    let jkt: string | null = null;
    if (client.dpop) {
      const proof = await verifyProof(request.headers.get("dpop"), {
        method: "POST",
        url: tokenUrl,
        now,
        replay: this.#proofs,
      });
      if (!proof.ok) return refusal(400, "invalid_dpop_proof", proof.reason);
      if (proof.nonce !== this.#nonce) {
        const headers = { "dpop-nonce": this.#nonce };
        return refusal(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.", headers);
      }
      jkt = proof.jkt;
    }
    return this.#issue(client, (form.get("scope") ?? "").split(" ").filter(Boolean), jkt);
  }

  #issue(client: OauthClient, asked: string[], jkt: string | null): Response {
    // Scopes that were not granted are left out silently. Only having none at all is an error.
    const scopes = asked.filter((scope) => client.scopes.includes(scope));
    if (scopes.length === 0) return refusal(400, "invalid_scope", "The requested scopes are not granted.");
    const token = `${this.#random.id("eyJ")}.${this.#random.id("")}.${this.#random.id("")}`;
    const lifetime = client.tokenLifetimeSeconds;
    this.#tokens.set(token, {
      clientId: client.clientId,
      scopes,
      expiresAt: this.#clock.now() + lifetime * 1000,
      jkt,
    });
    return Response.json({
      token_type: jkt === null ? "Bearer" : "DPoP",
      expires_in: lifetime,
      access_token: token,
      scope: scopes.join(" "),
    });
  }

  /**
   * Judges the access token of an API call.
   *
   * @throws {ChallengeError} when the token or its proof is not valid
   */
  async authenticate(
    scheme: "Bearer" | "DPoP",
    credential: string,
    request: Request,
    url: URL,
  ): Promise<{ client: OauthClient; scopes: string[] }> {
    const now = this.#clock.now();
    const token = this.#tokens.get(credential);
    const client = this.#options.clients.find((candidate) => candidate.clientId === token?.clientId);
    const invalid = (why: string) =>
      new ChallengeError(401, `${scheme} error="invalid_token", error_description="${why}"`);
    if (!token || !client) throw invalid("The token is not valid.");
    if (token.expiresAt <= now) throw invalid("The token has expired.");
    if ((token.jkt === null) !== (scheme === "Bearer")) throw invalid(`The token is not a ${scheme} token.`);
    if (token.jkt === null) return { client, scopes: token.scopes };
    const proof = await verifyProof(request.headers.get("dpop"), {
      method: request.method,
      url: url.href,
      now,
      replay: this.#proofs,
      accessToken: credential,
    });
    const refuse = (why: string) =>
      new ChallengeError(400, `DPoP error="invalid_dpop_proof", error_description="${why}"`);
    if (!proof.ok) throw refuse(proof.reason);
    if (proof.jkt !== token.jkt)
      throw refuse("The DPoP proof JWT is signed by another key than the token's.");
    return { client, scopes: token.scopes };
  }

  /** Adds clients, or replaces the ones with the same id: that is how keys are rotated. */
  putClients(clients: readonly OauthClient[]): void {
    const ids = new Set(clients.map((client) => client.clientId));
    this.#options.clients = [
      ...this.#options.clients.filter((client) => !ids.has(client.clientId)),
      ...clients,
    ];
  }

  removeClient(clientId: string): void {
    this.#options.clients = this.#options.clients.filter((client) => client.clientId !== clientId);
  }

  /** Revokes all access tokens. */
  revokeTokens(): void {
    this.#tokens = new Map();
  }

  /** From now on, proofs need a different nonce. */
  rotateNonce(): void {
    this.#nonce = this.#random.id("nonce");
  }
}
