import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { newOrg, type Org } from "./support.ts";

const login = "jane@example.com";
const id = "00uJaneDoe1234567890";

/** As in the documentation that customers paste from, with default verdicts added. */
const configured = {
  malice_rules: {
    rules: [
      { field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" },
      { field: "is_admin", operator: "eq", value: true, verdict: "Suspicious" },
    ],
    default_verdict: "Benign",
    not_found_verdict: "Pending",
    unknown_verdict: "Malicious",
  },
};
Object.assign(env, { MALICE_RULES: JSON.stringify(configured) });

let org: Org;

beforeAll(async () => {
  org = await newOrg();
  await org.user({ id, status: "ACTIVE", profile: { login, email: login, department: "Finance" } });
  await org.user({ profile: { login: "twin@example.com", email: "twin@example.com" } });
  await org.user({ profile: { login: "twin@example.org", email: "twin@example.org" } });
});

describe("the verdict of a look-up", () => {
  it("comes from MALICE_RULES, and follows the account when it changes", async () => {
    expect((await org.ask(login)).okta.verdict).toBe("Benign");
    expect((await org.ask(login)).okta).toMatchObject({ cached: true, verdict: "Benign" });
    await org.control("POST", `/users/${id}/suspend`);
    expect((await org.ask(login, "?refresh=true")).okta.verdict).toBe("Suspicious");
    await org.control("POST", `/users/${id}/unsuspend`);
    await org.ask(login, "?refresh=true");
  });

  it("is open while a fact that it depends on could not be read, whatever the default verdict says", async () => {
    const other = await newOrg();
    await other.user({ id, status: "ACTIVE", profile: { login, email: login } });
    await other.fault("/api/v1/users/{id}/roles", "403");
    expect((await other.ask(login, "?refresh=true")).okta).toMatchObject({
      extracted: { is_admin: null },
      verdict: "Malicious",
      verdict_undecided: [{ rule: "malice_rules.rules[1]", unknown: ["is_admin"] }],
    });
    expect((await org.ask(login)).okta).not.toHaveProperty("verdict_undecided");
  });

  it("is not_found_verdict for nobody, and none for several accounts", async () => {
    expect((await org.ask("nobody@example.com")).okta.verdict).toBe("Pending");
    expect((await org.ask("twin")).okta).toMatchObject({ verdict: null, matches: { length: 2 } });
  });
});

describe("POST /v1/malice-rules/evaluate", () => {
  const evaluate = async (body: unknown) => {
    const response = await org.request("POST", "/v1/malice-rules/evaluate", body);
    return { status: response.status, body: await response.json<Record<string, unknown>>() };
  };
  const suspended = { field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" };

  it.each([
    ["conditions", { conditions: [suspended] }, "conditions[0]"],
    ["wrapped conditions", { malice_rules: { conditions: [suspended] } }, "malice_rules.conditions[0]"],
    ["rules", { rules: [suspended] }, "rules[0]"],
    ["a bare list", [suspended], "rules[0]"],
    ["JSON text", JSON.stringify({ conditions: [suspended] }), "conditions[0]"],
  ])("says which rule matched and why: %s", async (_, rules, path) => {
    expect(await evaluate({ rules, extracted: { status: "SUSPENDED" } })).toEqual({
      status: 200,
      body: {
        verdict: "Suspicious",
        rule: { index: 0, path, why: 'status eq "SUSPENDED": it is "SUSPENDED"' },
        source: "rule",
        found: true,
        extracted: { status: "SUSPENDED" },
      },
    });
  });

  it("takes the rules as pasted from the settings, beside the account or the fields", async () => {
    const pasted = { rules: [suspended], default_verdict: "Benign" };
    for (const [body, verdict] of [
      [{ ...pasted, extracted: { status: "SUSPENDED" } }, "Suspicious"],
      [{ ...pasted, account: login }, "Benign"],
      [
        { conditions: [suspended], unknown_verdict: "Pending", extracted: { status: "SUSPENDED" } },
        "Suspicious",
      ],
      [{ malice_rules: pasted, extracted: { status: "ACTIVE" } }, "Benign"],
    ] as const)
      expect(await evaluate(body)).toMatchObject({ status: 200, body: { verdict } });
    const wrong = { ...pasted, default_verdict: "Good", extracted: {} };
    expect(await evaluate(wrong)).toMatchObject({
      status: 400,
      body: { errors: [{ field: "body.default_verdict" }] },
    });
  });

  it("says which rules a fact that is null leaves open", async () => {
    const rules = {
      rules: [{ field: "is_admin", operator: "eq", value: true, verdict: "Malicious" }],
      default_verdict: "Benign",
    };
    const evaluated = await evaluate({ rules, extracted: { status: "ACTIVE", is_admin: null } });
    expect(evaluated.body).toEqual({
      verdict: null,
      rule: null,
      source: "none",
      verdict_undecided: [{ rule: "rules[0]", unknown: ["is_admin"] }],
      found: true,
      extracted: { status: "ACTIVE", is_admin: null },
    });
    const known = await evaluate({ rules, extracted: { status: "ACTIVE", is_admin: false } });
    expect(known.body).toMatchObject({ verdict: "Benign" });
    expect(known.body).not.toHaveProperty("verdict_undecided");
  });

  it("looks an account up", async () => {
    const rules = {
      rules: [{ field: "department", operator: "contains", value: "Fin", verdict: "Malicious" }],
    };
    expect(await evaluate({ rules, account: `mailto:${login}` })).toMatchObject({
      status: 200,
      body: { verdict: "Malicious", found: true, extracted: { user_id: id } },
    });
  });

  it("tries not_found_verdict, with an account that nobody has or with found: false", async () => {
    const rules = { rules: [], not_found_verdict: "Suspicious" };
    for (const subject of [{ account: "nobody@example.com" }, { extracted: {}, found: false }]) {
      expect(await evaluate({ rules, ...subject })).toMatchObject({
        status: 200,
        body: { verdict: "Suspicious", source: "not_found_verdict", rule: null, found: false },
      });
    }
  });

  it.each<[string, unknown, string, RegExp]>([
    [
      "an operator",
      { conditions: [{ ...suspended, operator: "eqq" }] },
      "body.rules.conditions[0].operator",
      /"eqq" is not an operator; use one of eq,/,
    ],
    [
      "a verdict",
      { rules: [{ ...suspended, verdict: "Bad" }] },
      "body.rules.rules[0].verdict",
      /"Bad" is not a verdict/,
    ],
    ["a field", [{ ...suspended, field: "state" }], "body.rules[0].field", /"state" is not a field/],
    ["nothing", undefined, "body.rules", /malice rules are an object/],
  ])("refuses a wrong rule with its position: %s", async (_, rules, field, message) => {
    expect(await evaluate({ rules, extracted: {} })).toMatchObject({
      status: 400,
      body: { code: "invalid_request", errors: [{ field, message: expect.stringMatching(message) }] },
    });
  });

  it("needs an account or extracted fields, not both, and nothing else", async () => {
    const rules = { rules: [] };
    for (const body of [
      { rules },
      { rules, account: login, extracted: {} },
      { rules, extracted: {}, x: 1 },
      { rules, account: "me" },
    ]) {
      expect((await evaluate(body)).status).toBe(400);
    }
  });
});
