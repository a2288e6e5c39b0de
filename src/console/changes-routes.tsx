/** The pages of what has changed, one for each stream. */
import type { Context, Hono } from "hono";
import { type ChangeKind, changeKinds } from "../contract/changes.ts";
import type { RecentChangesQuery } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import { maxSearchLength } from "../http/bounds.ts";
import type { AppDeps } from "../http/deps.ts";
import { ProblemError } from "../http/problems.ts";
import { selectConnection } from "../http/select.ts";
import { fieldsOf } from "./change-words.ts";
import { momentOf } from "./moments.ts";
import { type ChangesAsked, ChangesPage } from "./pages/changes.tsx";
import { notKeptOf, streamOf, viewOf } from "./request.ts";
import { type ConsoleEnv, html } from "./respond.tsx";
import { linkTo } from "./view.ts";

/** Changes on a page. */
const pageLength = 50;

const refuse = (field: string, message: string): never => {
  throw new ProblemError("invalid_request", `${field}: ${message}.`, {
    errors: [{ field: `query.${field}`, message }],
  });
};

/** What the address asks for. Throws `invalid_request` for what is no kind and no moment. */
const askedOf = (c: Context<ConsoleEnv>): ChangesAsked => {
  const text = (name: string): string => c.req.query(name)?.trim().slice(0, maxSearchLength) ?? "";
  const moment = (name: string): string | null => {
    const given = text(name);
    if (given === "") return null;
    return momentOf(given) ?? refuse(name, "it must be a time, for example 2026-11-25T08:00");
  };
  const kind = text("kind");
  const named = changeKinds.find((one): one is ChangeKind => one === kind) ?? null;
  if (kind !== "" && named === null) refuse("kind", `it must be one of ${changeKinds.join(", ")}`);
  return {
    q: text("q"),
    by: text("by"),
    field: text("field"),
    kind: named,
    from: moment("from"),
    to: moment("to"),
    before: c.req.query("before") ?? null,
  };
};

const queryOf = (stream: StreamName, asked: ChangesAsked): RecentChangesQuery => {
  const { q, by, field, kind, from, to, before } = asked;
  return {
    limit: pageLength,
    ...(before !== null && { before }),
    ...(kind !== null && { kinds: [kind] }),
    ...(field !== "" && { fields: fieldsOf(stream, field) }),
    ...(by !== "" && { actor: by }),
    ...(q !== "" && { text: q }),
    ...(from !== null && { from }),
    ...(to !== null && { to }),
  };
};

export const changesRoutes = (pages: Hono<ConsoleEnv>, deps: AppDeps): void => {
  pages.get("/console/changes", (c) => c.redirect(linkTo(viewOf(c), "/console/changes/users"), 303));

  pages.get("/console/changes/:stream", async (c) => {
    const view = viewOf(c);
    const stream = streamOf(c);
    const asked = askedOf(c);
    const { id } = selectConnection(deps.config(c.env), view.connection);
    const found = await deps.stream(c.env, id, stream).recentChanges(queryOf(stream, asked));
    return html(
      <ChangesPage view={view} stream={stream} asked={asked} found={found} notKept={notKeptOf(c, deps)} />,
    );
  });
};
