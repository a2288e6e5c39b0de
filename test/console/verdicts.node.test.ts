import { describe, expect, test } from "vitest";
import { knownVerdict } from "../../src/console/verdicts.ts";
import { parseMaliceRules } from "../../src/enrichment/rule-reader.ts";
import { known, type UserFacts, unknown } from "../../src/inventory/facts.ts";
import { parseUser } from "../../src/okta/records.ts";
import { activeUser } from "../ocsf/samples.ts";

const NOW = Date.parse("2026-11-25T08:00:00.000Z");
const treatment = { mfaIgnoredFactors: [], profileAttributes: [] };

const rulesOf = (...conditions: object[]) => {
  const rules = parseMaliceRules({ conditions });
  if (!rules.ok) throw new Error(JSON.stringify(rules.error));
  return rules;
};
const noMfa = { field: "mfa_enrolled", operator: "eq", value: false, verdict: "Suspicious" };
const active = { field: "status", operator: "eq", value: "ACTIVE", verdict: "Benign" };

const factsOf = (factors: UserFacts["factors"]): UserFacts => {
  const user = parseUser(activeUser, []);
  if (!user.ok) throw new Error(user.error.reason);
  return { user: user.value, groups: known([], NOW), factors, roles: known([], NOW) };
};
const one = (factors: UserFacts["factors"]) =>
  ({ found: "one", facts: factsOf(factors), readAt: NOW - 60_000 }) as const;

describe("the verdict on what the inventory knows", () => {
  test("is that of the first rule that matches, with why", () => {
    const verdict = knownVerdict(one(known([], NOW)), activeUser.id, rulesOf(noMfa, active), treatment, NOW);
    expect(verdict).toMatchObject({
      state: "known",
      readAt: NOW - 60_000,
      evaluation: { verdict: "Suspicious", rule: { path: "conditions[0]", why: expect.any(String) } },
    });
  });

  test("is undecided where an unknown fact could turn it, and names the fact", () => {
    const verdict = knownVerdict(
      one(unknown("forbidden", { value: [], at: 1 })),
      activeUser.id,
      rulesOf(noMfa, active),
      treatment,
      NOW,
    );
    expect(verdict).toMatchObject({
      state: "known",
      evaluation: { verdict: null, undecided: [{ rule: "conditions[0]", unknown: ["mfa_enrolled"] }] },
    });
  });

  test("is none without rules, with wrong rules, and on somebody else", () => {
    const facts = one(known([], NOW));
    const { id } = activeUser;
    expect(knownVerdict(facts, id, { ok: true, value: null }, treatment, NOW)).toMatchObject({
      state: "known",
      evaluation: null,
    });
    const wrong = { ok: false, problems: [] } as const;
    expect(knownVerdict(facts, id, wrong, treatment, NOW)).toEqual({ state: "misconfigured" });
    for (const other of [facts, { found: "none" }, { found: "many", logins: [id] }] as const)
      expect(knownVerdict(other, "00uOther", rulesOf(active), treatment, NOW)).toEqual({
        state: "no_account",
      });
  });
});
