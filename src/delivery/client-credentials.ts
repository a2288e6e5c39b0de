/**
 * Access tokens for receivers that want OAuth 2.0: the client credentials grant (RFC 6749, section 4.4), the secret in the
 * body (`client_secret_post`). A token is kept in memory only, until it is due.
 */
import * as oauth from "oauth4webapi";
import { isLoopbackHost } from "../config/outbound-url.ts";
import { isHeaderSafe } from "../config/values.ts";
import { setNewest } from "../lib/newest.ts";
import { protectForNow } from "../lib/redact.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { orLate } from "../lib/timeout.ts";
import { refreshAt } from "../okta/oauth/access-token.ts";
import { readTokenAnswer } from "../okta/oauth/token-answer.ts";
import { isWebPage, webPageRemedy } from "./answers.ts";
import { type Answer, describe, type SinkRequest, send } from "./request.ts";
import { retryAfterMs } from "./retry-after.ts";
import { type DeliveryError, type Outcome, retry, type SinkTools, stopped } from "./sink.ts";

/** Who asks for a token, and where. Plain data, part of a sink's settings. */
export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Null asks for none: the token endpoint has a default. */
  readonly scope: string | null;
}

type Failure = Outcome<"retry" | "stopped">;
type Tools = Pick<SinkTools, "fetch" | "now">;

interface Token {
  readonly text: string;
  /** Ms since the epoch, like `expiresAt`. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

interface Keeper {
  token: Token | null;
  /** While a token is still valid and no new one could be had: when to ask again, ms since the epoch. */
  askAgainAt: number;
  flight: Promise<Result<Token, Failure>> | null;
}

/** Tokens are taken to live this long when nobody says (RFC 6749 leaves it open), and no longer than a day. */
const defaultLifetimeSeconds = 300;
const longestLifetimeSeconds = 86_400;
/** Longer than a visit can take: one that has not ended by then died with the object that made it. */
const flightMs = 60_000;
const askAgainMs = 60_000;
/** More than any settings have. */
const mostKeepers = 1000;

/** By credentials. All objects of an isolate share them, such as the deliveries of both streams. */
const keepers = new Map<string, Keeper>();

const keeperOf = ({ tokenUrl, clientId, clientSecret, scope }: ClientCredentials): Keeper => {
  const key = JSON.stringify([tokenUrl, clientId, clientSecret, scope]);
  const keeper = keepers.get(key) ?? { token: null, askAgainAt: 0, flight: null };
  setNewest(keepers, key, keeper, mostKeepers);
  return keeper;
};

const requestOf = (credentials: ClientCredentials, body: string): SinkRequest => {
  const { origin, pathname } = new URL(credentials.tokenUrl);
  const { clientSecret } = credentials;
  return {
    method: "POST",
    url: credentials.tokenUrl,
    label: `${origin}${pathname}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body,
    // As it is, in an address, and in a form, where a blank is a plus.
    secrets: [
      clientSecret,
      encodeURIComponent(clientSecret),
      `${new URLSearchParams({ "": clientSecret })}`.slice(1),
    ],
  };
};

/** Errors of RFC 6749, section 5.2, that are about the client, and those that pass. */
const clientErrors: ReadonlySet<string> = new Set([
  "invalid_client",
  "unauthorized_client",
  "invalid_grant",
  "access_denied",
]);
const passingErrors: ReadonlySet<string> = new Set(["temporarily_unavailable", "server_error", "slow_down"]);

/** What to do about an answer without a token. */
const remedyOf = (status: number, error: string | null): string => {
  if (error === "invalid_scope") return "check the scope";
  if (status === 404 || (status >= 300 && status < 400)) return "check token_url";
  return "check client_id, that the secret that client_secret_secret names has not expired or been revoked, and token_url";
};

/**
 * The failure that an answer without a token is. It has no status where it may pass, because no event can be to blame for it:
 * see `mayBePoison`.
 */
const failureOf = (request: SinkRequest, answer: Answer, now: number): Failure => {
  const { status, text } = answer;
  const { error, description } = readTokenAnswer(answer, text);
  const failed = (code: DeliveryError["code"], what: string): DeliveryError => {
    const passes = code === "unavailable" || code === "rate_limited";
    const said = [status, error, what, description].filter((part) => part !== null && part !== "").join("; ");
    return { code, status: passes ? null : status, message: describe(request, `no access token: ${said}`) };
  };
  const wait = retryAfterMs(answer.headers, now);
  if (status === 429) return retry(failed("rate_limited", ""), wait);
  const passes = status === 408 || status === 425 || status >= 500 || (status === 200 && answer.isCut);
  if (passes || passingErrors.has(error ?? "")) return retry(failed("unavailable", ""), wait);
  if (isWebPage(answer)) return stopped(failed("configuration", webPageRemedy), wait);
  if (status === 200) return stopped(failed("configuration", "not a bearer token's answer; check token_url"));
  const isClients = status === 401 || status === 403 || clientErrors.has(error ?? "");
  return stopped(failed(isClients ? "credential" : "configuration", remedyOf(status, error)), wait);
};

/** No answer came: nothing that the events could be guilty of, so it is neither `timeout` nor `network`. */
const unreached = ({ message }: DeliveryError): Failure =>
  retry({ code: "unavailable", status: null, message: `no access token: ${message}` });

/** Asks the token endpoint. Never throws. */
const visit = async (credentials: ClientCredentials, tools: Tools): Promise<Result<Token, Failure>> => {
  const issuedAt = tools.now();
  const server = { issuer: credentials.tokenUrl, token_endpoint: credentials.tokenUrl };
  const client = { client_id: credentials.clientId };
  const request = requestOf(credentials, "");
  const last: { sent: Result<Answer, DeliveryError> | null } = { sent: null };
  try {
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      oauth.ClientSecretPost(credentials.clientSecret),
      credentials.scope === null ? {} : { scope: credentials.scope },
      {
        [oauth.customFetch]: async (_, init) => {
          last.sent = await send(tools.fetch, requestOf(credentials, String(init.body)));
          if (!last.sent.ok) throw new Error("no answer");
          const { status, text } = last.sent.value;
          // Without the headers: the library would stop at a challenge, where the body says more.
          const headers = { "content-type": "application/json" };
          return new Response(status === 204 || status === 304 ? null : text, { status, headers });
        },
        [oauth.allowInsecureRequests]: isLoopbackHost(new URL(credentials.tokenUrl).hostname),
      },
    );
    const granted = await oauth.processClientCredentialsResponse(server, client, response);
    if (granted.token_type === "bearer" && isHeaderSafe(granted.access_token)) {
      protectForNow([granted.access_token]);
      const seconds = Math.min(longestLifetimeSeconds, granted.expires_in ?? defaultLifetimeSeconds);
      return ok({ text: granted.access_token, issuedAt, expiresAt: issuedAt + Math.max(0, seconds) * 1000 });
    }
  } catch {
    // What the library found wrong is in the answer, which is explained below.
  }
  if (last.sent === null) return err(unreached({ code: "network", status: null, message: "not asked" }));
  return err(last.sent.ok ? failureOf(request, last.sent.value, tools.now()) : unreached(last.sent.error));
};

/** The end of a visit that somebody else makes; null if it does not end, because who made it is gone. */
const endOf = (flight: Promise<Result<Token, Failure>>): Promise<Result<Token, Failure> | null> =>
  orLate(flightMs, flight, () => null);

/**
 * A token that works as far as is known. However many ask at the same time, one request is made.
 *
 * @param rejected the token that the receiver has just answered 401 to; null when there was none. One that has been
 *   replaced meanwhile costs no request.
 */
const tokenFor = async (
  credentials: ClientCredentials,
  tools: Tools,
  rejected: string | null,
): Promise<Result<Token, Failure>> => {
  const keeper = keeperOf(credentials);
  if (keeper.flight !== null) {
    const { flight } = keeper;
    const ended = await endOf(flight);
    if (ended !== null) return ended;
    if (keeper.flight === flight) keeper.flight = null;
  }
  const now = tools.now();
  if (keeper.token !== null && (keeper.token.text === rejected || now >= keeper.token.expiresAt))
    keeper.token = null;
  const { token } = keeper;
  if (token !== null && now < Math.max(refreshAt(token), keeper.askAgainAt)) return ok(token);
  const flight = visit(credentials, tools);
  keeper.flight = flight;
  const result = await flight;
  if (keeper.flight === flight) keeper.flight = null;
  if (result.ok) keeper.token = result.value;
  keeper.askAgainAt = result.ok ? 0 : tools.now() + askAgainMs;
  // One that is still valid stays in use when no new one can be had.
  return result.ok || token === null ? result : ok(token);
};

/** A request as it was sent, with the token among its secrets, and what came of it. */
export interface Authorized {
  readonly request: SinkRequest;
  readonly sent: Result<Answer, DeliveryError>;
}

/**
 * Sends a request with an access token, and after a 401 once more with a new one.
 *
 * @returns what came of it; or why there is no token, in which case the receiver has not been asked
 */
export const sendAuthorized = async (
  credentials: ClientCredentials,
  tools: Tools,
  request: SinkRequest,
): Promise<Result<Authorized, Failure>> => {
  const withToken = async ({ text }: Token): Promise<Authorized> => {
    const authorized = {
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${text}` },
      secrets: [...request.secrets, credentials.clientSecret, text],
    };
    return { request: authorized, sent: await send(tools.fetch, authorized) };
  };
  const token = await tokenFor(credentials, tools, null);
  if (!token.ok) return token;
  const first = await withToken(token.value);
  if (!first.sent.ok || first.sent.value.status !== 401) return ok(first);
  const renewed = await tokenFor(credentials, tools, token.value.text);
  return renewed.ok ? ok(await withToken(renewed.value)) : renewed;
};
