/** The console: web pages for people, rendered on the server. */
import { Hono, type MiddlewareHandler } from "hono";
import { defaultConnectionId } from "../config/connections.ts";
import type { Door } from "../http/auth/index.ts";
import type { App, AppDeps } from "../http/deps.ts";
import { checkPlacement } from "../http/placed.ts";
import { accountRoutes } from "./account-routes.tsx";
import { actionRoutes } from "./actions.tsx";
import { apiOf } from "./api.ts";
import { changesRoutes } from "./changes-routes.tsx";
import { pageRoutes } from "./page-routes.tsx";
import { postureRoutes } from "./posture-routes.tsx";
import { type ConsoleEnv, errorPage, html, pageHeaders, sameOriginOnly } from "./respond.tsx";
import { comingBackPage, isComingFromElsewhere, signInAnswer, signInRoutes } from "./sign-in-routes.tsx";
import type { View } from "./view.ts";

/** Lets visitors in and puts together what every page needs to know. Anybody else gets the sign-in page. */
const enter =
  (app: App, deps: AppDeps, door: Door): MiddlewareHandler<ConsoleEnv> =>
  async (c, next) => {
    const visitor = await door.visitor(c);
    const url = new URL(c.req.url);
    if (visitor === "expired" || visitor === "nobody") {
      if (isComingFromElsewhere(c)) return html(comingBackPage(url.pathname + url.search));
      return signInAnswer(c, visitor === "expired" ? "expired" : null);
    }
    c.set("caller", visitor);
    const view: View = {
      api: apiOf(app, c),
      rights: visitor.rights,
      session: visitor.kind === "session",
      connection: c.req.query("connection") || defaultConnectionId,
      connections: [...deps.config(c.env).connections.keys()],
      now: deps.now(),
      here: url.pathname + url.search,
    };
    c.set("view", view);
    await checkPlacement(deps, c.env);
    await next();
  };

/** Adds the console to the application whose API it uses. */
export const consoleRoutes = (app: App, deps: AppDeps, door: Door): void => {
  const pages = new Hono<ConsoleEnv>();
  pages.onError(errorPage);
  for (const path of ["/", "/console/*"]) pages.use(path, pageHeaders, sameOriginOnly);
  signInRoutes(pages, deps, door);
  for (const path of ["/", "/console/*"]) pages.use(path, enter(app, deps, door));
  accountRoutes(pages, deps);
  changesRoutes(pages, deps);
  postureRoutes(pages);
  pageRoutes(pages, deps);
  actionRoutes(pages, deps);
  app.route("/", pages);
};
