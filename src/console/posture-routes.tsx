/** The page of what deserves worry. */
import type { Hono } from "hono";
import type { PostureDocument } from "../contract/posture.ts";
import type { StreamsAnswer } from "./pages/overview.tsx";
import { PosturePage } from "./pages/posture.tsx";
import { viewOf } from "./request.ts";
import { type ConsoleEnv, html } from "./respond.tsx";
import { linkTo } from "./view.ts";

export const postureRoutes = (pages: Hono<ConsoleEnv>): void => {
  pages.get("/console/posture", async (c) => {
    const view = viewOf(c);
    const [posture, streams] = await Promise.all([
      view.api<PostureDocument>("GET", linkTo(view, "/v1/posture", { include: "trend" })),
      view.api<StreamsAnswer>("GET", linkTo(view, "/v1/streams")),
    ]);
    const status = posture.ok ? 200 : posture.problem.status;
    return html(<PosturePage view={view} posture={posture} streams={streams} />, status);
  });
};
