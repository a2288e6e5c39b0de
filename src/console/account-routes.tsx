/** The page of a look-up. */
import type { Context, Hono } from "hono";
import type { HistoryPage } from "../contract/changes.ts";
import type { OktaAnswer } from "../enrichment/answer.ts";
import type { AppDeps } from "../http/deps.ts";
import type { Answer } from "./api.ts";
import { fieldValue, momentOf } from "./moments.ts";
import { AccountPage, type Lookup } from "./pages/account.tsx";
import { notKeptOf, viewOf } from "./request.ts";
import { type ConsoleEnv, html } from "./respond.tsx";
import { evaluationOf } from "./verdicts.ts";
import { linkTo, segment, type View } from "./view.ts";

/** Changes below an answer. */
const changesShown = 10;

type OneAnswer = Answer<{ okta: OktaAnswer }>;

/** In a URL's path these would lead to another route, however they are encoded. */
const isDots = (account: string): boolean => /^\.{1,2}$/.test(account);

const firstOf = (all: Answer<{ results: { okta: OktaAnswer }[] }>): OneAnswer => {
  if (!all.ok) return all;
  const [first] = all.value.results;
  if (first === undefined) throw new Error("a batch of one was answered with nothing");
  return { ...all, value: first };
};

/** What is asked of a look-up. `at` is as the API takes it. */
interface Asked {
  readonly account: string;
  readonly refresh: boolean;
  readonly at: string | null;
}

const ask = async (view: View, { account, refresh, at }: Asked): Promise<OneAnswer> => {
  const one = at !== null ? { at } : refresh ? { refresh } : null;
  if (one !== null && !isDots(account))
    return view.api("GET", linkTo(view, `/v1/enrichments/accounts/${segment(account)}`, one));
  return firstOf(
    await view.api<{ results: { okta: OktaAnswer }[] }>("POST", linkTo(view, "/v1/enrichments"), {
      accounts: [account],
    }),
  );
};

/** What has changed about the account of an answer for now; null if the inventory does not know it. */
const historyOf = async (view: View, answer: OneAnswer): Promise<Answer<HistoryPage> | null> => {
  if (!answer.ok || answer.value.okta.as_of !== undefined) return null;
  const { extracted } = answer.value.okta;
  if (!("user_id" in extracted)) return null;
  const path = `/v1/inventory/users/${segment(extracted.user_id)}/history`;
  const history = await view.api<HistoryPage>("GET", linkTo(view, path, { limit: changesShown }));
  return !history.ok && history.problem.status === 404 ? null : history;
};

const lookUp = async (c: Context<ConsoleEnv>, deps: AppDeps, asked: Asked): Promise<Lookup> => {
  const view = viewOf(c);
  const { account, at } = asked;
  const answer = await ask(view, asked);
  const asOf = answer.ok ? answer.value.okta.as_of : undefined;
  return {
    account,
    at,
    answer,
    evaluation: answer.ok
      ? evaluationOf(
          deps.config(c.env).maliceRules,
          answer.value.okta,
          asOf === undefined ? view.now : Date.parse(asOf),
        )
      : null,
    history: await historyOf(view, answer),
    notKept: notKeptOf(c, deps),
  };
};

export const accountRoutes = (pages: Hono<ConsoleEnv>, deps: AppDeps): void => {
  pages.get("/console/account", async (c) => {
    const account = c.req.query("account") ?? "";
    const given = c.req.query("at")?.trim() ?? "";
    const moment = momentOf(given);
    // What is no moment is passed on, and the API says what one looks like.
    const at = given === "" ? null : (moment ?? given);
    const refresh = c.req.query("refresh") === "true";
    const lookup = account.trim() === "" ? null : await lookUp(c, deps, { account, refresh, at });
    return html(<AccountPage view={viewOf(c)} account={account} at={fieldValue(moment)} lookup={lookup} />);
  });
};
