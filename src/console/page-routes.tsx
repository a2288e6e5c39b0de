/** The pages. Each gets what it shows from the API. A part that fails shows why, and the other parts still appear. */

import type { Context, Hono } from "hono";
import { problemsOf } from "../config/problem.ts";
import type { HistoryPage } from "../contract/changes.ts";
import type {
  DeviceSummary,
  HeldDeletions,
  SearchResults,
  UserSummary,
} from "../contract/inventory-documents.ts";
import type { RunDocument } from "../contract/status.ts";
import { dialects, type StreamName } from "../contract/streams.ts";
import type { DeadLettersDocument } from "../delivery/api.ts";
import { maxSearchLength } from "../http/bounds.ts";
import { problemsOfParts } from "../http/config.ts";
import type { AppDeps } from "../http/deps.ts";
import { ProblemError } from "../http/problems.ts";
import { selectConnection } from "../http/select.ts";
import { streams } from "../streams/index.ts";
import type { AgentsProps } from "./agent-parts.tsx";
import type { Answer } from "./api.ts";
import { checkOf } from "./list-words.ts";
import { noticeOf } from "./notices.ts";
import { AssetPage } from "./pages/asset.tsx";
import { ConnectionPage, type ConnectionProps } from "./pages/connection.tsx";
import { DeletionsPage } from "./pages/deletions.tsx";
import { InventoryPage, ListPage, SearchPage } from "./pages/inventory.tsx";
import { OverviewPage, type StreamsAnswer } from "./pages/overview.tsx";
import { type DeadLettersOf, deadLettersKey, SinksPage } from "./pages/sinks.tsx";
import { StreamsPage } from "./pages/streams.tsx";
import type { ConnectionsAnswer } from "./removed-parts.tsx";
import { notKeptOf, streamOf, viewOf } from "./request.ts";
import { type ConsoleEnv, html, problemOf } from "./respond.tsx";
import { type KnownVerdict, knownVerdict } from "./verdicts.ts";
import { linkTo, segment, type View } from "./view.ts";

const streamsOf = (view: View) => view.api<StreamsAnswer>("GET", linkTo(view, "/v1/streams"));

const connectionsOf = (view: View): Promise<ConnectionsAnswer> => view.api("GET", "/v1/connections");

const totalsOf = async (view: View) => {
  const [users, devices] = await Promise.all([
    view.api<UserSummary>("GET", linkTo(view, "/v1/inventory/users/summary")),
    view.api<DeviceSummary>("GET", linkTo(view, "/v1/inventory/devices/summary")),
  ]);
  return { users, devices };
};

/** Rows on a page of a list. */
const listLength = 50;
/** Rows of each stream on the page of a search. */
const searchLength = 20;
const deadLettersShown = 50;
const linkedAssetsShown = 50;
/** Changes on the page of an asset. */
const changesShown = 20;

const find = (view: View, stream: StreamName, parameters: Record<string, string | number>) =>
  view.api<SearchResults>("GET", linkTo(view, `/v1/inventory/${stream}/search`, parameters));

const deadLettersOf = async (view: View, streams: Answer<StreamsAnswer>): Promise<DeadLettersOf> => {
  const refused = (streams.ok ? streams.value.streams : []).flatMap(({ stream, sinks }) =>
    sinks.filter(({ dead_letters }) => dead_letters > 0).map(({ name }) => ({ stream, name })),
  );
  const answers = await Promise.all(
    refused.map(({ stream, name }) =>
      view.api<DeadLettersDocument>(
        "GET",
        linkTo(view, `/v1/streams/${stream}/sinks/${segment(name)}/dead-letters`, {
          limit: deadLettersShown,
        }),
      ),
    ),
  );
  return new Map(
    refused.map(({ stream, name }, index) => [deadLettersKey(stream, name), answers[index]]).filter(isPair),
  );
};

const isPair = <T,>(pair: (string | T | undefined)[]): pair is [string, T] => pair[1] !== undefined;

/** Calls of tools by agents, where these connect, and what their keys may do. */
const agentsOf = async (c: Context<ConsoleEnv>, deps: AppDeps): Promise<AgentsProps> => {
  const { alerts, apiKeys } = deps.config(c.env);
  const origin = (alerts.publicUrl.ok ? alerts.publicUrl.value : null) ?? c.req.url;
  const calls = await deps
    .registry(c.env)
    .calls(true)
    .then(
      (value): AgentsProps["calls"] => ({ ok: true, status: 200, value }),
      (error: Error): AgentsProps["calls"] => ({ ok: false, problem: problemOf(error, c) }),
    );
  return {
    calls,
    url: new URL("/mcp", origin).href,
    rights: apiKeys.ok ? apiKeys.value.map(({ rights }) => rights) : [],
    now: viewOf(c).now,
  };
};

/** What the connection's page shows before a test. */
export const connectionProps = async (c: Context<ConsoleEnv>, deps: AppDeps): Promise<ConnectionProps> => {
  const view = viewOf(c);
  const config = deps.config(c.env);
  return {
    view,
    setting: config.connections.get(view.connection) ?? null,
    problems: [...problemsOfParts(config), ...problemsOf(config.apiKeys)],
    sinks: config.sinks.accepted.length,
    connections: await connectionsOf(view),
    agents: await agentsOf(c, deps),
    notice: noticeOf(c),
    test: null,
    candidate: { baseUrl: "", clientId: "", keyId: "" },
  };
};

export const pageRoutes = (pages: Hono<ConsoleEnv>, deps: AppDeps): void => {
  pages.get("/", async (c) => {
    const view = viewOf(c);
    const [streams, totals, connections] = await Promise.all([
      streamsOf(view),
      totalsOf(view),
      connectionsOf(view),
    ]);
    return html(<OverviewPage view={view} streams={streams} connections={connections} {...totals} />);
  });

  pages.get("/console/inventory", async (c) => {
    const view = viewOf(c);
    const q = c.req.query("q")?.trim().slice(0, maxSearchLength) ?? "";
    if (q === "") return html(<InventoryPage view={view} {...(await totalsOf(view))} />);
    const [users, devices] = await Promise.all([
      find(view, "users", {
        q,
        limit: searchLength,
        ...(c.req.query("groups_after") && { groups_after: c.req.query("groups_after") ?? "" }),
      }),
      find(view, "devices", { q, limit: searchLength }),
    ]);
    return html(<SearchPage view={view} q={q} users={users} devices={devices} />);
  });

  pages.get("/console/inventory/:stream", async (c) => {
    const view = viewOf(c);
    const stream = streamOf(c);
    const query = new URL(c.req.url).searchParams;
    const asked = Object.fromEntries([...query].filter(([name]) => name !== "connection"));
    const found = await find(view, stream, { ...asked, limit: listLength });
    const status = found.ok ? 200 : found.problem.status;
    return html(<ListPage view={view} stream={stream} query={query} found={found} />, status);
  });

  // The ids of assets are Okta's: none is `csv`.
  pages.get("/console/inventory/:stream/csv", async (c) => {
    const view = viewOf(c);
    const stream = streamOf(c);
    const asked = Object.fromEntries(
      [...new URL(c.req.url).searchParams].filter(([name]) => name !== "connection" && name !== "after"),
    );
    const answer = await view.api.file(
      "GET",
      linkTo(view, `/v1/inventory/${stream}/search`, asked),
      "text/csv",
    );
    if (!answer.ok) {
      const query = new URLSearchParams(asked);
      return html(
        <ListPage view={view} stream={stream} query={query} found={answer} />,
        answer.problem.status,
      );
    }
    const file = new Response(answer.value.body, answer.value);
    const check = checkOf(new URLSearchParams(asked));
    if (check !== undefined)
      file.headers.set("Content-Disposition", `attachment; filename="okta-${stream}-${check.id}.csv"`);
    return file;
  });

  const detailOf = async (c: Context<ConsoleEnv>) => {
    const view = viewOf(c);
    const stream = streamOf(c);
    const { id } = selectConnection(deps.config(c.env), view.connection);
    const detail = await deps.stream(c.env, id, stream).assetDetail(c.req.param("id") ?? "");
    if (detail === null) {
      throw new ProblemError(
        "not_found",
        `The ${stream} inventory has no asset with this id. It may not have been read yet.`,
      );
    }
    return detail;
  };

  /** The verdict on a user by what the inventory knows. */
  const verdictOn = async (c: Context<ConsoleEnv>, userId: string): Promise<KnownVerdict> => {
    const { now, connection } = viewOf(c);
    const config = deps.config(c.env);
    const selected = selectConnection(config, connection);
    const known = await deps.stream(c.env, selected.id, "users").account(userId);
    return knownVerdict(known, userId, config.maliceRules, selected, now);
  };

  pages.get("/console/inventory/:stream/:id", async (c) => {
    const view = viewOf(c);
    const detail = await detailOf(c);
    const definition = streams[detail.stream];
    const page = definition.page(detail.facts);
    const links = page.sections.flat().filter((section) => section.kind === "linked");
    const linked = await Promise.all(
      links.map(async ({ stream, userId }) => [stream, await linkedTo(view, stream, userId)] as const),
    );
    const before = c.req.query("before") ?? null;
    const path = `/v1/inventory/${detail.stream}/${segment(detail.id)}/history`;
    const asked = { limit: changesShown, after: before ?? "" };
    return html(
      <AssetPage
        view={view}
        detail={detail}
        page={page}
        linked={Object.fromEntries(linked)}
        verdict={definition.areAccounts && detail.deletedAt === null ? await verdictOn(c, detail.id) : null}
        history={await view.api<HistoryPage>("GET", linkTo(view, path, asked))}
        notKept={notKeptOf(c, deps)}
        before={before}
      />,
    );
  });

  pages.get("/console/inventory/:stream/:id/event", async (c) => {
    const { id, events } = await detailOf(c);
    const asked = c.req.query("dialect");
    const dialect = dialects.find((name) => name === asked) ?? "sekoia";
    return c.body(events[dialect], 200, {
      "Content-Type": "application/json",
      "Content-Disposition": `attachment; filename="${id.replaceAll(/[^\w.-]/g, "_")}.${dialect}.json"`,
    });
  });

  pages.get("/console/streams", async (c) => {
    const view = viewOf(c);
    const history = (stream: StreamName) =>
      view.api<{ runs: RunDocument[] }>("GET", linkTo(view, `/v1/streams/${stream}/runs`));
    const [streams, users, devices] = await Promise.all([
      streamsOf(view),
      history("users"),
      history("devices"),
    ]);
    return html(<StreamsPage view={view} streams={streams} runs={{ users, devices }} notice={noticeOf(c)} />);
  });

  pages.get("/console/streams/:stream/deletions", async (c) => {
    const view = viewOf(c);
    const stream = streamOf(c);
    const after = c.req.query("after") ?? "";
    const path = linkTo(view, `/v1/streams/${stream}/deletions`, { after, limit: listLength });
    const held = await view.api<HeldDeletions>("GET", path);
    return html(
      <DeletionsPage view={view} stream={stream} after={after} held={held} />,
      held.ok ? 200 : held.problem.status,
    );
  });

  pages.get("/console/sinks", async (c) => {
    const view = viewOf(c);
    const streams = await streamsOf(view);
    const letters = await deadLettersOf(view, streams);
    return html(<SinksPage view={view} streams={streams} letters={letters} notice={noticeOf(c)} />);
  });

  pages.get("/console/connection", async (c) =>
    html(<ConnectionPage {...(await connectionProps(c, deps))} />),
  );

  // For a browser that reloads the address to which the form was sent.
  pages.get("/console/connection/test", (c) => c.redirect(linkTo(viewOf(c), "/console/connection"), 303));

  pages.get("/console/*", () => {
    throw new ProblemError("not_found", "The console has no such page.");
  });
};

/** Assets of a stream whose users include this one. */
const linkedTo = async (view: View, stream: StreamName, userId: string): Promise<Answer<SearchResults>> => {
  const found = await find(view, stream, { q: userId, limit: linkedAssetsShown, deleted: "false" });
  if (!found.ok) return found;
  // A search finds words by their beginnings, so it may find others, too.
  const results = found.value.results.filter(
    (result) => "users" in result && result.users.some(({ id }) => id === userId),
  );
  return { ...found, value: { ...found.value, results } };
};
