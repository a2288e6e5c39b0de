/** The door: who may pass, and with which rights. */
import type { Context, MiddlewareHandler } from "hono";
import { noKeysProblem, type Rights } from "../../config/access.ts";
import type { Config } from "../config.ts";
import type { AppDeps, AppEnv } from "../deps.ts";
import { ProblemError } from "../problems.ts";
import { type AccessVerifier, accessHeader, accessVerifier } from "./access.ts";
import type { Caller } from "./caller.ts";
import { FailureLimiter } from "./failures.ts";
import { bearerToken, rightsOfKey } from "./keys.ts";
import { judgeSession, sessionCookie } from "./session.ts";
import { vouchedCaller } from "./vouched.ts";

const realm = 'Bearer realm="okta-edge-connector"';

/** Throws when nobody could be let in, whatever they present. */
const checkDoorExists = (config: Config): void => {
  const { apiKeys, access } = config;
  const hasAccess = access.ok && access.value !== null;
  if (hasAccess || (apiKeys.ok && apiKeys.value.length > 0)) return;
  const problems = [...(apiKeys.ok ? [] : apiKeys.problems), ...(access.ok ? [] : access.problems)];
  if (problems.length > 0) {
    throw new ProblemError("misconfigured", "The keys to this API are configured wrongly.", { problems });
  }
  throw new ProblemError("not_configured", `API_KEYS: ${noKeysProblem.message}`, {
    problems: [noKeysProblem],
  });
};

/** The rights of a presented key, null when it is none of ours. */
const judgeKey = (token: string | null, config: Config): Promise<Rights | null> => {
  if (!config.apiKeys.ok) {
    const { problems } = config.apiKeys;
    throw new ProblemError("misconfigured", "The keys to this API are configured wrongly.", { problems });
  }
  return token === null ? Promise.resolve(null) : rightsOfKey(token, config.apiKeys.value);
};

/** `missing` without a statement of Access, or where Access is not used; null when it is wrong. */
const judgeAccess = async (
  c: Context<AppEnv>,
  config: Config,
  verify: AccessVerifier,
): Promise<Caller | "missing" | null> => {
  const statement = c.req.header(accessHeader);
  if (statement === undefined) return "missing";
  if (!config.access.ok) {
    const { problems } = config.access;
    throw new ProblemError("misconfigured", "Cloudflare Access is configured wrongly.", { problems });
  }
  if (config.access.value === null) return "missing";
  const verified = await verify(statement, config.access.value);
  if (verified.ok) return { kind: "access", rights: "full" };
  if (verified.error === "invalid") return null;
  throw new ProblemError("unavailable", "Cloudflare Access's keys cannot be read now.", {
    headers: { "Retry-After": "10" },
  });
};

/** Null when the credential is wrong. */
const judge = async (
  c: Context<AppEnv>,
  config: Config,
  verify: AccessVerifier,
): Promise<Caller | "missing" | null> => {
  const authorization = c.req.header("Authorization");
  if (authorization === undefined) return judgeAccess(c, config, verify);
  const rights = await judgeKey(bearerToken(authorization), config);
  return rights === null ? null : { kind: "key", rights };
};

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD";

/**
 * Access lets a browser in by cookie, which other sites' pages can make it send; a bearer key cannot be sent
 * that way. Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin alone.
 */
export const isCrossSite = (c: Context): boolean => {
  const site = c.req.header("Sec-Fetch-Site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = c.req.header("Origin");
  return origin !== undefined && origin !== new URL(c.req.url).origin;
};

/** Who a visitor of the console is; `expired` had a session. */
export type Visitor = Caller | "expired" | "nobody";

export interface Door {
  /**
   * Lets a request pass with a key of API_KEYS or an identity of the configured Access team, and refuses it
   * otherwise: 401, or 429 once its address has presented too many wrong ones. A right key always passes, so
   * that a tool with a wrong one does not lock out others behind the same address.
   */
  readonly authenticate: MiddlewareHandler<AppEnv>;
  /** The rights of a key that somebody typed; throws as `authenticate` refuses. */
  presentKey(c: Context<AppEnv>, key: string): Promise<Rights>;
  /** By the session's cookie, else by Access. */
  visitor(c: Context<AppEnv>): Promise<Visitor>;
}

/** Makes the door. One an isolate: it remembers failed attempts and Access's keys. */
export const createDoor = (deps: AppDeps): Door => {
  const limiter = new FailureLimiter();
  const verify = accessVerifier(deps);
  const checkFailures = (c: Context<AppEnv>): void => {
    const wait = limiter.failed(c.req.header("CF-Connecting-IP") ?? "unknown", deps.now());
    if (wait === 0) return;
    throw new ProblemError("too_many_failures", `Too many wrong keys. Try again in ${wait} s.`, {
      headers: { "Retry-After": String(wait) },
    });
  };
  return {
    async authenticate(c, next) {
      const vouched = vouchedCaller(c.req.raw);
      if (vouched !== undefined) {
        c.set("caller", vouched);
        return next();
      }
      const config = deps.config(c.env);
      checkDoorExists(config);
      const caller = await judge(c, config, verify);
      if (caller === "missing") {
        throw new ProblemError("unauthorized", "No key was sent. Send Authorization: Bearer KEY.", {
          headers: { "WWW-Authenticate": realm },
        });
      }
      if (caller === null) {
        checkFailures(c);
        throw new ProblemError(
          "unauthorized",
          "The key is not one of ours. Send Authorization: Bearer KEY.",
          { headers: { "WWW-Authenticate": `${realm}, error="invalid_token"` } },
        );
      }
      if (caller.kind === "access" && !isSafe(c.req.method) && isCrossSite(c)) {
        throw new ProblemError("cross_site", "The request comes from a page of another site.");
      }
      c.set("caller", caller);
      await next();
    },

    async presentKey(c, key) {
      const config = deps.config(c.env);
      checkDoorExists(config);
      const rights = await judgeKey(key, config);
      if (rights !== null) return rights;
      checkFailures(c);
      throw new ProblemError("unauthorized", "This is not one of the keys in API_KEYS.");
    },

    async visitor(c) {
      const config = deps.config(c.env);
      checkDoorExists(config);
      const session = await judgeSession(
        sessionCookie(c),
        config.apiKeys.ok ? config.apiKeys.value : [],
        deps.now(),
      );
      if (session.state === "valid") return { kind: "session", rights: session.rights };
      const identity = await judgeAccess(c, config, verify);
      if (identity !== null && identity !== "missing") return identity;
      return session.state === "expired" ? "expired" : "nobody";
    },
  };
};

/** For routes that change something: a `read:` key is not enough. */
export const needsFullRights: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.get("caller").rights !== "full") {
    throw new ProblemError("forbidden", "A read: key may not do this. Use a key without read: before it.");
  }
  await next();
};
