/** The actions of the console. Each calls the API, then redirects to the page that shows the effect. */
import type { Context, Hono } from "hono";
import type { ConnectionTest, TestEvent } from "../connection-test/index.ts";
import type { AppDeps } from "../http/deps.ts";
import { ProblemError } from "../http/problems.ts";
import { wantsLines } from "../http/routes/test-connection.ts";
import type { Answer } from "./api.ts";
import type { Notice } from "./notices.ts";
import { connectionProps } from "./page-routes.tsx";
import { ConnectionPage, type ConnectionProps } from "./pages/connection.tsx";
import { streamOf, viewOf } from "./request.ts";
import { type ConsoleEnv, html, problemPage } from "./respond.tsx";
import type { ShownTest } from "./test-parts.tsx";
import { streamTest } from "./test-stream.tsx";
import { linkTo, segment } from "./view.ts";

type Form = Readonly<Record<string, string>>;

const formOf = async (c: Context<ConsoleEnv>): Promise<Form> => {
  const entries = Object.entries(await c.req.parseBody());
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
};

/** Throws unless the person has ticked the box that confirms an action that cannot be undone. */
const checkSure = (form: Form): void => {
  if (form["sure"] !== "yes") {
    throw new ProblemError("invalid_request", "Tick the box to confirm that you are sure.");
  }
};

export const actionRoutes = (pages: Hono<ConsoleEnv>, deps: AppDeps): void => {
  /** Redirects to the page that shows the effect, or answers with the problem. */
  const done = (c: Context<ConsoleEnv>, answer: Answer<unknown>, page: string, notice: Notice): Response =>
    answer.ok ? c.redirect(linkTo(viewOf(c), page, { notice }), 303) : problemPage(answer.problem, c);

  const streamPath = (c: Context<ConsoleEnv>, rest: string) =>
    linkTo(viewOf(c), `/v1/streams/${streamOf(c)}/${rest}`);

  pages.post("/console/streams/:stream/run", async (c) => {
    const { kind = "" } = await formOf(c);
    const answer = await viewOf(c).api("POST", streamPath(c, "runs"), { kind });
    return done(c, answer, "/console/streams", answer.ok && answer.status === 200 ? "run_on" : "run_started");
  });

  pages.post("/console/streams/:stream/cancel", async (c) => {
    const answer = await viewOf(c).api("DELETE", streamPath(c, "runs/current"));
    return done(c, answer, "/console/streams", "run_cancelled");
  });

  pages.post("/console/streams/:stream/confirm", async (c) => {
    checkSure(await formOf(c));
    const answer = await viewOf(c).api("POST", streamPath(c, "deletions/confirm"));
    return done(c, answer, "/console/streams", "deletions_confirmed");
  });

  pages.post("/console/streams/:stream/reset", async (c) => {
    const form = await formOf(c);
    checkSure(form);
    const answer = await viewOf(c).api("POST", streamPath(c, "reset"), { org_id: form["org_id"] ?? "" });
    return done(c, answer, "/console/streams", "reset");
  });

  const sinkPath = (c: Context<ConsoleEnv>, rest: string) =>
    streamPath(c, `sinks/${segment(c.req.param("name") ?? "")}/${rest}`);

  pages.post("/console/sinks/:stream/:name/dead-letters", async (c) => {
    const form = await formOf(c);
    const { action = "", id } = form;
    if (action === "drop") checkSure(form);
    const answer = await viewOf(c).api("POST", sinkPath(c, "dead-letters"), {
      action,
      ...(id !== undefined && { ids: [id] }),
    });
    return done(c, answer, "/console/sinks", action === "drop" ? "dropped" : "retrying");
  });

  pages.post("/console/sinks/:stream/:name/replay", async (c) => {
    const { after = "" } = await formOf(c);
    const answer = await viewOf(c).api("POST", sinkPath(c, "replay"), {
      after: /^\d{1,16}$/.test(after) ? Number(after) : after,
    });
    return done(c, answer, "/console/sinks", "replaying");
  });

  pages.post("/console/connections/:id/purge", async (c) => {
    checkSure(await formOf(c));
    const answer = await viewOf(c).api("DELETE", `/v1/connections/${segment(c.req.param("id"))}`);
    return done(c, answer, "/console/connection", "purging");
  });

  pages.post("/console/connection/test", async (c) => {
    const form = await formOf(c);
    const { api, ...view } = viewOf(c);
    const of = form["candidate"] === "yes" ? "candidate" : "stored";
    const path = linkTo(view, "/v1/test-connection");
    const body = of === "candidate" ? candidateOf(form) : undefined;
    const props: ConnectionProps = {
      ...(await connectionProps(c, deps)),
      candidate: {
        baseUrl: form["base_url"] ?? "",
        clientId: form["client_id"] ?? "",
        keyId: form["key_id"] ?? "",
      },
    };
    const page = (test: ShownTest) => <ConnectionPage {...props} test={test} />;
    if (wantsLines(c)) {
      const events = await api.lines<TestEvent>("POST", path, body);
      if (events.ok) return streamTest(c, of, events.value, page);
      return html(page({ of, answer: events }), events.problem.status);
    }
    const answer = await api<ConnectionTest>("POST", path, body);
    return html(page({ of, answer }), answer.ok ? 200 : answer.problem.status);
  });
};

const candidateFields = ["base_url", "api_token", "client_id", "private_key", "key_id"];

/** The candidate's fields that were filled in. */
const candidateOf = (form: Form): Form =>
  Object.fromEntries(
    candidateFields.map((name) => [name, form[name]?.trim() ?? ""]).filter(([, value]) => value !== ""),
  );
