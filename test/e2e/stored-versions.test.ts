/**
 * A database that an earlier version has stored opens in this one, answers as it did, and carries on from there, in the
 * middle of every phase of a run and after it. test/fixtures/stored/README.md says where the states come from.
 */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { sync } from "../support/org.ts";
import { resetClock } from "./stored-versions-clock.ts";
import {
  expectAnswersAsBefore,
  expectEndAsBefore,
  expectEqual,
  fixtures,
  goOn,
  load,
  runThen,
} from "./stored-versions-support.ts";

afterEach(async () => {
  resetClock();
  await reset();
});

/** States that need settings have a test file of their own, because an isolate reads its settings only once. */
const plain = fixtures.filter(({ state }) => Object.keys(state.about.settings).length === 0);

const PHASES = [
  "admin_roles",
  "assignees",
  "deletions",
  "devices",
  "factors",
  "group_roles",
  "groups",
  "log",
  "memberships",
  "refetch",
  "rolling",
  "searches",
  "user_groups",
  "users",
];

test("there is a stored state in the middle of every phase", () => {
  const phases = new Set(plain.map(({ state }) => runThen(state)?.["phase"]));
  expect([...phases]).toEqual(expect.arrayContaining(PHASES));
});

describe("a stored state", () => {
  test.each(plain)("$name", async (fixture) => {
    const { state } = fixture;
    const { connection, next } = state.about;
    const org = await load(fixture);
    await expectAnswersAsBefore(state);

    await goOn(fixture, org);
    await expectEndAsBefore(state);
    await expectEqual(org, next.stream);

    // The log and the searches carry on from the stored cursor and time.
    await org.churn(5);
    expect(await sync(connection, "delta", next.stream)).toMatchObject({ kind: "delta", state: "done" });
    await expectEqual(org, next.stream);
  });
});
