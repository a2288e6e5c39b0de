/** When a permission counts as lost, against a model that looks at all calls of a run at once. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Endpoint, endpoints } from "../../src/okta/endpoints.ts";
import { oktaError } from "../../src/okta/errors.ts";
import {
  doubtful,
  judged,
  type Lost,
  outcomeOf,
  type Permission,
  tallied,
} from "../../src/sync/permissions.ts";

const AT = 1_700_000_000_000;
const FACTORS: Endpoint = "GET /api/v1/users/{id}/factors";

const answered = (endpoint: Endpoint, body: unknown = [{}]) =>
  outcomeOf(endpoint, { ok: true, value: { body } }, AT);
const refused = (
  endpoint: Endpoint,
  oktaErrorCode = "E0000006",
  code: "forbidden" | "insufficient_scope" = "forbidden",
) =>
  outcomeOf(
    endpoint,
    { ok: false, error: oktaError(endpoint, code, "403", { status: 403, oktaErrorCode }) },
    AT,
  );

/** Plays calls one by one. */
const play = (outcomes: readonly ReturnType<typeof answered>[], before: Lost = {}) => {
  let lost = before;
  let tallies = {};
  const back: Permission[] = [];
  for (const outcome of outcomes) {
    if (outcome === null) continue;
    tallies = tallied(tallies, [outcome]);
    const judgement = judged(lost, tallies, [outcome.permission]);
    lost = judgement.lost;
    back.push(...judgement.back);
  }
  return { lost: Object.keys(lost), back, doubts: doubtful(tallies, lost) };
};

describe("calls about single users", () => {
  test("the last call decides; thirty refusals without an answer are a loss, fewer a doubt", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80 }), (answers) => {
        const { lost, doubts } = play(answers.map((ok) => (ok ? answered(FACTORS) : refused(FACTORS))));
        const trailing = answers.length - (answers.lastIndexOf(true) + 1);
        const isLost = trailing >= 30 && !answers.includes(true);
        expect(lost).toEqual(isLost ? ["factors"] : []);
        // A few refusals after an answer are about these people alone.
        const isOpen = trailing >= 5 || (trailing > 0 && !answers.includes(true));
        expect(doubts).toEqual(isOpen && !isLost ? ["factors"] : []);
      }),
    );
  });

  test("calls in one transaction count as those in many", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80 }), (answers) => {
        const outcomes = answers
          .map((ok) => (ok ? answered(FACTORS) : refused(FACTORS)))
          .filter((one) => one !== null);
        const tallies = tallied({}, outcomes);
        const { lost } = judged({}, tallies, ["factors"]);
        expect(Object.keys(lost)).toEqual(play(outcomes).lost);
      }),
    );
  });

  test("a missing scope or feature concerns everybody at once", () => {
    expect(play([answered(FACTORS), refused(FACTORS, "E0000006", "insufficient_scope")]).lost).toEqual([
      "factors",
    ]);
    expect(play([refused(FACTORS, "E0000015")]).lost).toEqual(["factors"]);
  });

  test("what is lost is back with the first answer, and is so once", () => {
    const outcomes = [...Array(30).fill(refused(FACTORS)), answered(FACTORS), answered(FACTORS)];
    expect(play(outcomes)).toEqual({ lost: [], back: ["factors"], doubts: [] });
  });
});

test.each([
  ["GET /api/v1/users", "users"],
  ["GET /api/v1/groups", "groups"],
  ["GET /api/v1/devices", "devices"],
  ["GET /api/v1/logs", "log"],
  ["GET /api/v1/iam/assignees/users", "role_assignees"],
] as const)("one refusal of the list %s is a loss", (endpoint, permission) => {
  expect(play([answered(endpoint), refused(endpoint)]).lost).toEqual([permission]);
  expect(play([refused(endpoint), answered(endpoint)])).toEqual({ lost: [], back: [permission], doubts: [] });
});

test("an empty list of groups says nothing, an empty list of factors does", () => {
  expect(answered("GET /api/v1/groups", [])).toBeNull();
  expect(answered(FACTORS, [])).toEqual({ permission: "factors", refused: null });
});

test("an org without devices has not lost them", () => {
  expect(refused("GET /api/v1/devices", "E0000015")).toBeNull();
});

test("other failures say nothing of permissions", () => {
  for (const endpoint of Object.keys(endpoints) as Endpoint[])
    for (const code of ["unavailable", "timeout", "not_found", "rate_limited", "invalid_credential"] as const)
      expect(outcomeOf(endpoint, { ok: false, error: oktaError(endpoint, code, "no") }, AT)).toBeNull();
});
