/** Signing in and out. */
import type { Context, Hono } from "hono";
import type { Door } from "../http/auth/index.ts";
import { clearSessionCookie, makeSession, sessionCookie, setSessionCookie } from "../http/auth/session.ts";
import type { AppDeps } from "../http/deps.ts";
import { ProblemError } from "../http/problems.ts";
import { SignInPage, type SignInReason } from "./pages/sign-in.tsx";
import { type ConsoleEnv, html } from "./respond.tsx";

/** Longer addresses are not returned to: they come back in a form field and in a header. */
const maxNextLength = 4_000;

/**
 * The page of the console that `next` names, as path and query; the overview when it names anything else. It is parsed
 * as a browser parses it, so the result holds only characters that a header may have, and dots lead nowhere else.
 */
const pageOf = (next: unknown): string => {
  const here = "https://console.invalid";
  const url = typeof next === "string" && next.startsWith("/") ? URL.parse(next, here) : null;
  if (url === null || url.origin !== here) return "/";
  const page = url.pathname + url.search;
  const isConsole = url.pathname === "/" || url.pathname.startsWith("/console/");
  return isConsole && page.length < maxNextLength ? page : "/";
};

/**
 * Answers with the sign-in page instead of the requested page, which the visitor gets after signing in. A form that was
 * sent without a session is redirected to the sign-in page.
 */
export const signInAnswer = (c: Context<ConsoleEnv>, reason: SignInReason): Response => {
  const { pathname, search } = new URL(c.req.url);
  if (c.req.method === "GET") return html(<SignInPage reason={reason} next={pageOf(pathname + search)} />);
  return c.redirect(`/console/sign-in${reason === null ? "" : `?reason=${reason}`}`, 303);
};

/**
 * Whether the visitor follows a link on another site. The browser then withholds the SameSite=Strict cookie, so it is
 * not known yet whether the visitor is signed in. `comingBackPage` finds out.
 */
export const isComingFromElsewhere = (c: Context<ConsoleEnv>): boolean => {
  const site = c.req.header("Sec-Fetch-Site");
  const navigates = c.req.header("Sec-Fetch-Mode") === "navigate" && c.req.method === "GET";
  return navigates && (site === "cross-site" || site === "same-site") && sessionCookie(c) === undefined;
};

/** Loads the same address once more, from this site: the browser then sends the cookie if there is one. */
export const comingBackPage = (here: string) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="refresh" content={`0;url=${here}`} />
      <title>Okta Edge Connector</title>
    </head>
    <body>
      <a href={here}>Continue</a>
    </body>
  </html>
);

/** Reasons that may be given in the address. */
const reasonsInAddress = ["expired", "signed_out"] as const;

const reasonOf = (error: unknown): { reason: SignInReason; status: 401 | 429 } | null => {
  if (!(error instanceof ProblemError)) return null;
  if (error.code === "unauthorized") return { reason: "wrong_key", status: 401 };
  return error.code === "too_many_failures" ? { reason: "too_many", status: 429 } : null;
};

export const signInRoutes = (pages: Hono<ConsoleEnv>, deps: AppDeps, door: Door): void => {
  pages.get("/console/sign-in", (c) =>
    html(
      <SignInPage
        reason={reasonsInAddress.find((reason) => reason === c.req.query("reason")) ?? null}
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
      // RFC 9110, 15.5.2: a 401 has this header. Browsers show no dialog of their own for the scheme Bearer.
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
