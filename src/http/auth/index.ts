/** The door: authentication of every request, and the rights of each caller. */
import type { Context, MiddlewareHandler } from "hono";
import { noKeysProblem, type Rights } from "../../config/access.ts";
import type { Config } from "../config.ts";
import type { AppDeps, AppEnv } from "../deps.ts";
import { ProblemError } from "../problems.ts";
import { type AccessVerifier, accessHeader, accessVerifier } from "./access.ts";
import type { Caller } from "./caller.ts";
import { FailureLimiter } from "./failures.ts";
import { bearerToken, type JudgedKey, judgedKey } from "./keys.ts";
import { judgeSession, sessionCookie } from "./session.ts";
import { vouchedCaller } from "./vouched.ts";

const realm = 'Bearer realm="okta-edge-connector"';

/** Throws when no key and no Access team is configured, so that nobody could be let in. */
const checkDoorExists = (config: Config): void => {
  const { apiKeys, access } = config;
  const hasAccess = access.ok && access.value !== null;
  if (hasAccess || (apiKeys.ok && apiKeys.value.length > 0)) return;
  const problems = [...(apiKeys.ok ? [] : apiKeys.problems), ...(access.ok ? [] : access.problems)];
  if (problems.length > 0) {
    throw new ProblemError("misconfigured", "The settings that say who may call this API are wrong.", {
      problems,
    });
  }
  throw new ProblemError("not_configured", `API_KEYS: ${noKeysProblem.message}`, {
    problems: [noKeysProblem],
  });
};

/** The rights of a presented key; null when it is not in API_KEYS. Throws when API_KEYS is wrong. */
const judgeKey = (token: string | null, config: Config): Promise<JudgedKey | null> => {
  if (!config.apiKeys.ok) {
    const { problems } = config.apiKeys;
    throw new ProblemError("misconfigured", "The setting API_KEYS is wrong.", { problems });
  }
  return token === null ? Promise.resolve(null) : judgedKey(token, config.apiKeys.value);
};

/** `missing` when there is no Access token or Access is not configured; null when the token is invalid. */
const judgeAccess = async (
  c: Context<AppEnv>,
  config: Config,
  verify: AccessVerifier,
): Promise<Caller | "missing" | null> => {
  const token = c.req.header(accessHeader);
  if (token === undefined) return "missing";
  if (!config.access.ok) {
    const { problems } = config.access;
    throw new ProblemError("misconfigured", "The settings of Cloudflare Access are wrong.", { problems });
  }
  if (config.access.value === null) return "missing";
  const verified = await verify(token, config.access.value);
  if (verified.ok) return { kind: "access", rights: "full", name: "access" };
  if (verified.error === "invalid") return null;
  throw new ProblemError("unavailable", "Cloudflare Access's public keys cannot be fetched at the moment.", {
    headers: { "Retry-After": "10" },
  });
};

/** Judges the request's key, or without one its Access token. `missing` when it has neither; null when it is wrong. */
const judge = async (
  c: Context<AppEnv>,
  config: Config,
  verify: AccessVerifier,
): Promise<Caller | "missing" | null> => {
  const authorization = c.req.header("Authorization");
  if (authorization === undefined) return judgeAccess(c, config, verify);
  const key = await judgeKey(bearerToken(authorization), config);
  return key === null ? null : { kind: "key", rights: key.rights, name: `API_KEYS[${key.index}]` };
};

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD";

/**
 * Whether a page of another site caused the request. Access lets a browser in by a cookie, and a page of another site
 * can make the browser send it. (It cannot make the browser send a bearer key.) Browsers state where a request comes
 * from in Sec-Fetch-Site; older browsers only in Origin.
 */
export const isCrossSite = (c: Context): boolean => {
  const site = c.req.header("Sec-Fetch-Site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = c.req.header("Origin");
  return origin !== undefined && origin !== new URL(c.req.url).origin;
};

/** Who a visitor of the console is. `expired` is a visitor whose session is over. */
export type Visitor = Caller | "expired" | "nobody";

export interface Door {
  /**
   * Lets a request pass that has a key of API_KEYS or a token of the configured Access team. Any other request is
   * refused with 401, or with 429 once its address has presented too many wrong keys. A valid key always passes, so
   * that a tool with a wrong key does not lock out others behind the same address.
   */
  readonly authenticate: MiddlewareHandler<AppEnv>;
  /** The rights of a key that a person typed. Throws the same problems as `authenticate` when it is wrong. */
  presentKey(c: Context<AppEnv>, key: string): Promise<Rights>;
  /** The visitor by the session's cookie, else by the Access token. */
  visitor(c: Context<AppEnv>): Promise<Visitor>;
}

/** Makes the door. Each isolate has one, because it remembers failed attempts and Access's keys. */
export const createDoor = (deps: AppDeps): Door => {
  const limiter = new FailureLimiter();
  const verify = accessVerifier(deps);
  const checkFailures = async (c: Context<AppEnv>): Promise<void> => {
    const address = c.req.header("CF-Connecting-IP") ?? "unknown";
    // A deployment may do without the binding.
    const { WRONG_KEYS: shared }: Partial<Pick<Env, "WRONG_KEYS">> = c.env;
    const wait = await limiter.failedAnywhere(shared, address, deps.now());
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
        throw new ProblemError("unauthorized", "The request has no key. Send Authorization: Bearer KEY.", {
          headers: { "WWW-Authenticate": realm },
        });
      }
      if (caller === null) {
        await checkFailures(c);
        throw new ProblemError(
          "unauthorized",
          "This is not one of the keys in API_KEYS. Send Authorization: Bearer KEY.",
          { headers: { "WWW-Authenticate": `${realm}, error="invalid_token"` } },
        );
      }
      if (caller.kind === "access" && !isSafe(c.req.method) && isCrossSite(c)) {
        throw new ProblemError("cross_site", "The request was sent by a page of another site.");
      }
      c.set("caller", caller);
      await next();
    },

    async presentKey(c, key) {
      const config = deps.config(c.env);
      checkDoorExists(config);
      const judged = await judgeKey(key, config);
      if (judged !== null) return judged.rights;
      await checkFailures(c);
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
      if (session.state === "valid") return { kind: "session", rights: session.rights, name: "session" };
      const identity = await judgeAccess(c, config, verify);
      if (identity !== null && identity !== "missing") return identity;
      return session.state === "expired" ? "expired" : "nobody";
    },
  };
};

/** For routes that change something: refuses callers with a `read:` key. */
export const needsFullRights: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.get("caller").rights !== "full") {
    throw new ProblemError(
      "forbidden",
      "A read: key may not do this. Use a key that has no read: in front of it in API_KEYS.",
    );
  }
  await next();
};
