/** Middleware for every request: the request id and log line, bounds on sizes, security headers. */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { matchedRoutes } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { log } from "../lib/log.ts";
import { vouchedCaller } from "./auth/vouched.ts";
import { grouped, maxBodyBytes, maxHeadersLength, maxUrlLength } from "./bounds.ts";
import type { AppDeps, AppEnv } from "./deps.ts";
import { ProblemError } from "./problems.ts";

/** Cloudflare's own id of the request where there is one, so that its logs can be joined with ours. */
const requestIdOf = (ray: string | undefined): string =>
  ray !== undefined && /^[\w-]{1,64}$/.test(ray) ? ray : crypto.randomUUID();

/** The template of the requested route. Matches with a wildcard are middleware. */
const routeTemplate = (c: Context): string =>
  matchedRoutes(c).findLast(({ path }) => !path.includes("*"))?.path ?? "(none)";

/** The execution context; null where the application is called without one, in which case Hono's getter throws. */
const contextOf = (c: Context): Pick<ExecutionContext, "waitUntil"> | null => {
  try {
    return c.executionCtx;
  } catch {
    return null;
  }
};

/** Writing a log line takes a good part of the time of a cached look-up, so it waits until the answer is sent. */
const afterAnswer = (c: Context, work: () => void): void => {
  const context = contextOf(c);
  if (context === null) work();
  else context.waitUntil(scheduler.wait(0).then(work));
};

/** Gives the request an id and writes one log line about it, without its query, identifiers or headers. */
export const requestLog =
  (deps: Pick<AppDeps, "now">): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const startedAt = deps.now();
    // The Worker made this request itself, while handling another one that has a line of its own and the same id.
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
      tools: c.get("tools")?.join(),
    };
    afterAnswer(c, () => log("info", "request", fields));
  };

/** Bounds the lengths of the URL and the headers, before anything else looks at them. */
export const sizeBounds: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.url.length > maxUrlLength) {
    throw new ProblemError("uri_too_long", `The URL has more than ${grouped(maxUrlLength)} characters.`);
  }
  let length = 0;
  for (const [name, value] of c.req.raw.headers) length += name.length + value.length + 4;
  if (length > maxHeadersLength) {
    const message = `The headers have more than ${grouped(maxHeadersLength)} characters.`;
    throw new ProblemError("headers_too_large", message);
  }
  await next();
};

/** Bounds the size of the body. */
export const bodyBound: MiddlewareHandler<AppEnv> = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => {
    throw new ProblemError("payload_too_large", `The body has more than ${grouped(maxBodyBytes)} bytes.`);
  },
});

/** For the API, whose answers are never pages. Pages set a policy of their own. */
const apiPolicy = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** For pages that load only files of this Worker and contain no inline code. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** For the console's pages, which also have forms. */
export const consolePolicy = pagePolicy.replace("form-action 'none'", "form-action 'self'");

const headers = secureHeaders({
  contentSecurityPolicy: apiPolicy,
  xFrameOptions: "DENY",
  permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  overwrite: false,
});

/** Sets security headers, and forbids caching unless the route allows it. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await headers(c, next);
  if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
};
