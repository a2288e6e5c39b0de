/** What the pages and actions read of a request. */
import type { Context } from "hono";
import { type StreamName, streamNames } from "../contract/streams.ts";
import type { AppDeps } from "../http/deps.ts";
import { ProblemError } from "../http/problems.ts";
import type { ConsoleEnv } from "./respond.tsx";
import type { NotKept } from "./timeline.tsx";
import type { View } from "./view.ts";

/** The view, which `enter` sets before any page is rendered. */
export const viewOf = (c: Context<ConsoleEnv>): View => {
  const view = c.get("view");
  if (view === undefined) throw new Error("a page without a view");
  return view;
};

/** The stream that the path names. Throws `unknown_stream` when there is none. */
export const streamOf = (c: Context<ConsoleEnv>): StreamName => {
  const named = streamNames.find((name) => name === c.req.param("stream"));
  if (named === undefined)
    throw new ProblemError("unknown_stream", `The streams are ${streamNames.join(" and ")}.`);
  return named;
};

/** Why no changes are kept, if none are. */
export const notKeptOf = (c: Context<ConsoleEnv>, deps: AppDeps): NotKept => {
  const setting = deps.config(c.env).connections.get(viewOf(c).connection);
  if (setting === undefined || !setting.ok) return null;
  return setting.value.historyDays === 0 ? "off" : "not_begun";
};
