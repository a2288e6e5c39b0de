/** Pages as responses, and the middleware of all of them. */
import type { Context, MiddlewareHandler } from "hono";
import type { JSX } from "hono/jsx/jsx-runtime";
import { isCrossSite } from "../http/auth/index.ts";
import type { AppEnv } from "../http/deps.ts";
import { consolePolicy } from "../http/hardening.ts";
import { problemFrom } from "../http/problem-from.ts";
import { ProblemError, problemCatalogue } from "../http/problems.ts";
import { errorFields, log } from "../lib/log.ts";
import type { Problem } from "./api.ts";
import { ProblemPage } from "./pages/problem.tsx";
import type { View } from "./view.ts";

export interface ConsoleEnv {
  Bindings: AppEnv["Bindings"];
  Variables: AppEnv["Variables"] & { view?: View };
}

/** A page as an HTML document. */
export const documentOf = (page: JSX.Element): string => `<!DOCTYPE html>${String(page)}`;

/** A page as a response. */
export const html = (page: JSX.Element, status = 200): Response =>
  new Response(documentOf(page), {
    status,
    headers: { "Content-Type": "text/html; charset=utf-8" },
  });

/** Sets a policy that allows forms, and a referrer policy under which browsers still state where a form came from. */
export const pageHeaders: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
  await next();
  if (!c.res.headers.has("Content-Security-Policy")) {
    c.res.headers.set("Content-Security-Policy", consolePolicy);
  }
  c.res.headers.set("Referrer-Policy", "same-origin");
};

/**
 * Refuses forms that a page of another site sent. Browsers do not add the session's cookie to such a form anyway,
 * because it is SameSite=Strict, but signing in and Access's cookie need this protection, too. A request that does not
 * state where it comes from is refused as well.
 */
export const sameOriginOnly: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    const origin = c.req.header("Sec-Fetch-Site") ?? c.req.header("Origin");
    if (origin === undefined || isCrossSite(c)) {
      throw new ProblemError("cross_site", "The form was not sent by a page of this console.");
    }
  }
  await next();
};

/** What was thrown, as a problem to show. A bug is logged. */
export const problemOf = (error: Error, c: Context<ConsoleEnv>): Problem => {
  const { code, message: detail, parts } = problemFrom(error);
  const [status, title] = problemCatalogue[code];
  if (code === "internal_error" || code === "unavailable") {
    const level = code === "internal_error" ? "error" : "warn";
    log(level, "request_failed", { request_id: c.get("requestId"), ...errorFields(error) });
  }
  return { status, code, title, detail, ...(parts.problems && { problems: parts.problems }) };
};

/** A page that shows the error that another page threw. */
export const errorPage = (error: Error, c: Context<ConsoleEnv>): Response =>
  problemPage(problemOf(error, c), c);

/** A page that shows a problem. */
export const problemPage = (problem: Problem, c: Context<ConsoleEnv>): Response =>
  html(
    <ProblemPage problem={problem} view={c.get("view") ?? null} requestId={c.get("requestId")} />,
    problem.status,
  );
