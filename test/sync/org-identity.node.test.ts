import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ASK_AGAIN_MS,
  judgeOrg,
  knownVerdict,
  type OrgAnswer,
  type OrgIdentity,
  type OrgSettings,
} from "../../src/sync/org-identity.ts";

const NOW = Date.parse("2026-03-01T02:00:00Z");
const OLD: OrgSettings = { baseUrl: "https://old.okta.com", credential: "c1" };
const NEW: OrgSettings = { baseUrl: "https://new.okta.com", credential: "c1" };
const ROTATED: OrgSettings = { ...OLD, credential: "c2" };

const kept = (over: Partial<OrgIdentity> = {}): OrgIdentity => ({
  id: "00o1",
  ...OLD,
  askedAt: NOW - 3_600_000,
  changed: null,
  ...over,
});
const other = { id: "00o2", ...NEW, since: NOW - 60_000 };
const silent: OrgAnswer = { unreachable: true };
const full = { isEmpty: false, now: NOW };

describe("before the org is asked", () => {
  test.each([
    ["nothing is known of an inventory that never asked", null, OLD, null],
    ["unchanged settings lead to the same org", kept(), OLD, "same"],
    ["an org that never said who it is stays unverified", kept({ id: null }), OLD, "unverified"],
    ["another base URL has to be asked", kept(), NEW, null],
    ["another credential has to be asked", kept(), ROTATED, null],
    ["another org was seen a moment ago", kept({ changed: other, askedAt: NOW - 1 }), NEW, "changed"],
    ["another org was seen a while ago", kept({ changed: other, askedAt: NOW - ASK_AGAIN_MS }), NEW, null],
    [
      "another org was seen, and the base URL is corrected",
      kept({ changed: other, askedAt: NOW }),
      OLD,
      null,
    ],
  ] as const)("%s", (_, before, settings, expected) => {
    expect(knownVerdict(before, settings, NOW)).toBe(expected);
  });
});

describe("what an answer means", () => {
  test.each([
    ["the first answer ever", null, OLD, { id: "00o1" }, "same"],
    ["the same org, same settings", kept(), OLD, { id: "00o1" }, "same"],
    ["the same org under another domain", kept(), NEW, { id: "00o1" }, "same"],
    ["the same org with another credential", kept(), ROTATED, { id: "00o1" }, "same"],
    ["another org at the same URL", kept(), OLD, { id: "00o2" }, "changed"],
    ["another org at another URL", kept(), NEW, { id: "00o2" }, "changed"],
    ["the right org again", kept({ changed: other }), OLD, { id: "00o1" }, "same"],
    ["an org at the URL where one never said who it is", kept({ id: null }), OLD, { id: "00o2" }, "same"],
    [
      "an org at another URL than one that never said who it is",
      kept({ id: null }),
      NEW,
      { id: "00o2" },
      "changed",
    ],
    ["no answer, ever", null, OLD, silent, "unverified"],
    ["no answer, unchanged settings", kept(), OLD, silent, "unverified"],
    ["no answer, another base URL", kept(), NEW, silent, "waiting"],
    ["no answer, another credential", kept(), ROTATED, silent, "waiting"],
    [
      "no answer from an org that never said who it is, another credential",
      kept({ id: null }),
      ROTATED,
      silent,
      "unverified",
    ],
    [
      "no answer at another URL than that of an org that never said who it is",
      kept({ id: null }),
      NEW,
      silent,
      "waiting",
    ],
    ["no answer where another org was", kept({ changed: other }), NEW, silent, "changed"],
    ["no answer, and the base URL is corrected", kept({ changed: other }), OLD, silent, "unverified"],
  ] as const)("%s", (_, before, settings, answer, expected) => {
    const { verdict, identity } = judgeOrg(before, settings, answer, full);
    expect(verdict).toBe(expected);
    // Whatever may be read from is known without asking again.
    if (verdict === "same" || verdict === "unverified") {
      expect(["same", "unverified"]).toContain(knownVerdict(identity, settings, NOW));
    }
    if (verdict === "changed")
      expect(identity).toMatchObject({ id: before?.id ?? null, changed: { id: "00o2" } });
  });

  test("an inventory that holds nothing takes any org", () => {
    const empty = { isEmpty: true, now: NOW };
    expect(judgeOrg(kept(), NEW, { id: "00o2" }, empty)).toMatchObject({
      verdict: "same",
      identity: { id: "00o2", ...NEW, changed: null },
    });
  });

  test("another org is known since it was first seen", () => {
    const before = kept({ changed: other });
    expect(judgeOrg(before, NEW, { id: "00o2" }, full).identity.changed).toEqual(other);
    expect(judgeOrg(before, NEW, { id: "00o3" }, full).identity.changed).toMatchObject({
      id: "00o3",
      since: NOW,
    });
  });
});

test("whatever answers in whatever order, an inventory that knows its org is never read into from another", () => {
  const settings = fc.constantFrom(OLD, NEW, ROTATED);
  const answer = fc.constantFrom<OrgAnswer>({ id: "00o1" }, { id: "00o2" }, { id: "00o3" }, silent);
  const step = fc.record({ settings, answer, ms: fc.integer({ min: 0, max: 2 * ASK_AGAIN_MS }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let identity: OrgIdentity = kept();
      let now = NOW;
      /** The settings that the right org has confirmed last. */
      let confirmed: OrgSettings = OLD;
      for (const { settings, answer, ms } of steps) {
        now += ms;
        const known = knownVerdict(identity, settings, now);
        const judged = known === null ? judgeOrg(identity, settings, answer, { isEmpty: false, now }) : null;
        const verdict = known ?? judged?.verdict;
        if (judged !== null) identity = judged.identity;
        if (judged !== null && "id" in answer && answer.id === "00o1") confirmed = settings;
        const mayRead = verdict === "same" || verdict === "unverified";
        const isRight = judged !== null && "id" in answer ? answer.id === "00o1" : settings === confirmed;
        if (mayRead) expect(isRight).toBe(true);
        expect(identity.id).toBe("00o1");
      }
    }),
  );
});
