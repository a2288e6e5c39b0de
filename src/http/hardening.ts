/** What every request and answer goes through: an id and a log line, size bounds, security headers. */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { matchedRoutes } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { log } from "../lib/log.ts";
import { vouchedCaller } from "./auth/vouched.ts";
import type { AppDeps, AppEnv } from "./deps.ts";
import { ProblemError } from "./problems.ts";

const maxUrlLength = 16_384;
const maxHeadersLength = 32_768;
const maxBodyLength = 256 * 1024;

/** Cloudflare's own id of the request where there is one, so that its logs and ours can be joined. */
const requestIdOf = (ray: string | undefined): string =>
  ray !== undefined && /^[\w-]{1,64}$/.test(ray) ? ray : crypto.randomUUID();

/** The template of the route that was asked for; middleware matches by wildcards. */
const routeTemplate = (c: Context): string =>
  matchedRoutes(c).findLast(({ path }) => !path.includes("*"))?.path ?? "(none)";

/** The platform's context; null where the application is asked without one, for which Hono throws. */
const contextOf = (c: Context): Pick<ExecutionContext, "waitUntil"> | null => {
  try {
    return c.executionCtx;
  } catch {
    return null;
  }
};

/** A log line is a good part of what a cached look-up costs, so it is written once the answer is on its way. */
const afterAnswer = (c: Context, work: () => void): void => {
  const context = contextOf(c);
  if (context === null) work();
  else context.waitUntil(scheduler.wait(0).then(work));
};

/** Gives the request an id, and writes one line about it: no query, no identifiers, no headers. */
export const requestLog =
  (deps: Pick<AppDeps, "now">): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const startedAt = deps.now();
    // Asked by the Worker itself for another request, which has its own line and lends its id.
    const inner = vouchedCaller(c.req.raw) !== undefined;
    const requestId = requestIdOf(c.req.header("CF-Ray"));
    c.set("requestId", requestId);
    await next();
    c.res.headers.set("X-Request-Id", requestId);
    if (inner) return;
    const fields = {
      request_id: requestId,
      method: c.req.method.slice(0, 16),
      route: routeTemplate(c),
      status: c.res.status,
      ms: deps.now() - startedAt,
      caller: c.get("caller")?.kind,
    };
    afterAnswer(c, () => log("info", "request", fields));
  };

/** URL and headers, before anything looks at them. */
export const sizeBounds: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.url.length > maxUrlLength) {
    throw new ProblemError("uri_too_long", `The URL has more than ${maxUrlLength} characters.`);
  }
  let length = 0;
  for (const [name, value] of c.req.raw.headers) length += name.length + value.length + 4;
  if (length > maxHeadersLength) {
    throw new ProblemError("headers_too_large", `The headers have more than ${maxHeadersLength} characters.`);
  }
  await next();
};

export const bodyBound: MiddlewareHandler<AppEnv> = bodyLimit({
  maxSize: maxBodyLength,
  onError: () => {
    throw new ProblemError("payload_too_large", `The body has more than ${maxBodyLength} bytes.`);
  },
});

/** An API answer is never a page; pages bring a policy of their own. */
const apiPolicy = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** A page made of own files only: no inline code, no other origin. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The console's pages, which also have forms. */
export const consolePolicy = pagePolicy.replace("form-action 'none'", "form-action 'self'");

const headers = secureHeaders({
  contentSecurityPolicy: apiPolicy,
  xFrameOptions: "DENY",
  permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  overwrite: false,
});

/** Security headers, and no caching unless the route says otherwise. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await headers(c, next);
  if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
};
