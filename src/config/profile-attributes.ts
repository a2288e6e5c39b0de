/** PROFILE_ATTRIBUTES: custom profile attributes to keep. */
import { err, ok, type Result } from "../lib/result.ts";
import { type Clauses, settingOf, validLooksLike } from "./problem.ts";
import type { Setting } from "./types.ts";
import { listOf, type RawEnv } from "./values.ts";

const most = 50;
/** What Okta allows for the variable name of an attribute. */
const form = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

type AttributeProblem =
  | { readonly code: "not_a_name" /** Counted from 1. */; readonly item: number }
  | { readonly code: "too_many" };

const describe = (problem: AttributeProblem): Clauses => [
  problem.code === "too_many"
    ? `it may name ${most} attributes at most`
    : `item ${problem.item} is not the variable name of a profile attribute`,
  validLooksLike("badgeNumber,clearance"),
];

const parse = (names: readonly string[]): Result<readonly string[], AttributeProblem> => {
  const wrong = names.findIndex((name) => !form.test(name));
  if (wrong !== -1) return err({ code: "not_a_name", item: wrong + 1 });
  const distinct = [...new Set(names)].sort();
  return distinct.length > most ? err({ code: "too_many" }) : ok(distinct);
};

/**
 * Reads PROFILE_ATTRIBUTES, comma-separated variable names of profile attributes, as Okta's profile editor shows them.
 * @returns each once, sorted
 */
export const readProfileAttributes = (env: RawEnv): Setting<readonly string[]> =>
  settingOf("PROFILE_ATTRIBUTES", parse(listOf(env, "PROFILE_ATTRIBUTES")), describe);
