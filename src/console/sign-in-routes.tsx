/** In and out. */
import type { Context, Hono } from "hono";
import type { Door } from "../http/auth/index.ts";
import { clearSessionCookie, makeSession, sessionCookie, setSessionCookie } from "../http/auth/session.ts";
import type { AppDeps } from "../http/deps.ts";
import { ProblemError } from "../http/problems.ts";
import { SignInPage, type SignInReason } from "./pages/sign-in.tsx";
import { type ConsoleEnv, html } from "./respond.tsx";

/** Back to a page of the console and nowhere else. */
const pageOf = (next: unknown): string =>
  typeof next === "string" && /^\/(?:$|\?|console\/)/.test(next) && next.length < 4_000 ? next : "/";

/** The sign-in page in place of what was asked for, which comes after it; a form leads there. */
export const signInAnswer = (c: Context<ConsoleEnv>, reason: SignInReason): Response => {
  const { pathname, search } = new URL(c.req.url);
  if (c.req.method === "GET") return html(<SignInPage reason={reason} next={pageOf(pathname + search)} />);
  return c.redirect(`/console/sign-in${reason === null ? "" : `?reason=${reason}`}`, 303);
};

/**
 * A link on another site's page: the browser keeps a SameSite=Strict cookie back. The page asks for itself once
 * more, this time from here, so that a shared link opens for somebody who is signed in.
 */
export const isComingFromElsewhere = (c: Context<ConsoleEnv>): boolean => {
  const site = c.req.header("Sec-Fetch-Site");
  const navigates = c.req.header("Sec-Fetch-Mode") === "navigate" && c.req.method === "GET";
  return navigates && (site === "cross-site" || site === "same-site") && sessionCookie(c) === undefined;
};

export const comingBackPage = (here: string) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="refresh" content={`0;url=${here}`} />
      <title>Okta Edge Connector</title>
    </head>
    <body>
      <a href={here}>Go on</a>
    </body>
  </html>
);

/** What may be told by the address alone. */
const told = ["expired", "signed_out"] as const;

const reasonOf = (error: unknown): { reason: SignInReason; status: 401 | 429 } | null => {
  if (!(error instanceof ProblemError)) return null;
  if (error.code === "unauthorized") return { reason: "wrong_key", status: 401 };
  return error.code === "too_many_failures" ? { reason: "too_many", status: 429 } : null;
};

export const signInRoutes = (pages: Hono<ConsoleEnv>, deps: AppDeps, door: Door): void => {
  pages.get("/console/sign-in", (c) =>
    html(
      <SignInPage
        reason={told.find((reason) => reason === c.req.query("reason")) ?? null}
        next={pageOf(c.req.query("next"))}
      />,
    ),
  );

  pages.post("/console/sign-in", async (c) => {
    const form = await c.req.parseBody();
    const next = pageOf(form["next"]);
    const key = typeof form["key"] === "string" ? form["key"].trim() : "";
    try {
      await door.presentKey(c, key);
    } catch (error) {
      const refusal = reasonOf(error);
      if (refusal === null) throw error;
      const page = html(<SignInPage reason={refusal.reason} next={next} />, refusal.status);
      // RFC 9110, 15.5.2: a 401 names a way in. Browsers do not ask for a bearer key by themselves.
      page.headers.set("WWW-Authenticate", 'Bearer realm="okta-edge-connector"');
      return page;
    }
    setSessionCookie(c, await makeSession(key, deps.now()));
    return c.redirect(next, 303);
  });

  pages.post("/console/sign-out", (c) => {
    clearSessionCookie(c);
    return c.redirect("/console/sign-in?reason=signed_out", 303);
  });
};
