/** PUBLIC_URL: the Worker's own address, for links in alerts. */
import { err, ok, type Result } from "../lib/result.ts";
import { checkOutboundUrl, type UrlProblem, urlProblemClause } from "./outbound-url.ts";
import { type Clauses, settingOf, validLooksLike } from "./problem.ts";
import type { Setting } from "./types.ts";
import { allowsLoopback, type RawEnv, textOf } from "./values.ts";

type PublicUrlProblem = UrlProblem | { readonly code: "more_than_an_origin" };

const describe = (problem: PublicUrlProblem): Clauses => [
  problem.code === "more_than_an_origin"
    ? "it has more than a host: a path, a query or a fragment"
    : urlProblemClause(problem),
  validLooksLike("https://okta-edge-connector.example.workers.dev"),
];

const parse = (env: RawEnv): Result<string | null, PublicUrlProblem> => {
  const text = textOf(env, "PUBLIC_URL");
  if (text === null) return ok(null);
  const url = checkOutboundUrl(text, { allowLoopback: allowsLoopback(env) });
  if (!url.ok) return url;
  const { origin, pathname, search, hash } = url.value;
  return pathname === "/" && search === "" && hash === "" ? ok(origin) : err({ code: "more_than_an_origin" });
};

/** Reads PUBLIC_URL. @returns an origin, without a slash at its end; null if it is not set */
export const readPublicUrl = (env: RawEnv): Setting<string | null> =>
  settingOf("PUBLIC_URL", parse(env), describe);
