/** Which alerts follow from reports: by table, and against a model of what a channel must have heard. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, type Told } from "../../src/alerts/decide.ts";
import type { ReportedChange, ReportedNeed, StreamReport } from "../../src/contract/alerts.ts";
import type { AttentionCode } from "../../src/contract/status.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const DAY = 86_400_000;
const origin = { connection: "acme", publicUrl: "https://okta.example.com" };
const everything = { codes: null, names: false };

const need = (code: AttentionCode, more: Partial<ReportedNeed> = {}): ReportedNeed => ({
  code,
  severity: "error",
  detail: `${code}: jane@example.com was refused`,
  brief: `${code}.`,
  remedy: "Do something.",
  since: NOW - 1000,
  ...more,
});
const report = (needs: readonly ReportedNeed[], more: Partial<StreamReport> = {}): StreamReport => ({
  stream: "users",
  needs,
  sinksAsked: true,
  changes: [],
  ...more,
});
const told = (code: AttentionCode, at: number, about: readonly string[] = []): Told[] =>
  decide(everything, report([need(code, { about })]), [], origin, at).tell.slice();

test("a need is told once, with everything that the design names", () => {
  const { tell, resolve, note, changes } = decide(everything, report([need("stale")]), [], origin, NOW);
  expect(tell).toEqual([
    {
      at: NOW,
      about: [],
      alert: {
        code: "stale",
        severity: "error",
        detail: "stale.",
        remedy: "Do something.",
        connection: "acme",
        stream: "users",
        since: "2026-11-26T11:59:59.000Z",
        resolved: false,
        link: "https://okta.example.com/console/streams?connection=acme",
      },
    },
  ]);
  expect([resolve, note, changes]).toEqual([[], [], []]);
  expect(decide(everything, report([need("stale")]), tell, origin, NOW + 1000).tell).toEqual([]);
});

test("what Okta or a receiver said is repeated only to a channel with `names`", () => {
  const { tell } = decide({ codes: null, names: true }, report([need("stale")]), [], origin, NOW);
  expect(tell[0]?.alert.detail).toContain("jane@example.com");
});

test("what lasts is told again after a day, and not a moment earlier", () => {
  const before = told("stale", NOW);
  const again = (ms: number) =>
    decide(everything, report([need("stale")]), before, origin, NOW + ms).tell.length;
  expect([again(DAY - 1), again(DAY)]).toEqual([0, 1]);
});

test("another sink that stops is told, one that recovers is not", () => {
  const before = told("sink_stopped", NOW, ["siem", "lake"]);
  const decided = (about: readonly string[]) =>
    decide(everything, report([need("sink_stopped", { about })]), before, origin, NOW + 1);
  expect(decided(["siem", "lake"])).toMatchObject({ tell: [], note: [] });
  expect(decided(["siem", "other"]).tell).toHaveLength(1);
  expect(decided(["siem"])).toMatchObject({ tell: [], note: [{ about: ["siem"] }] });
  // One that recovered and stops again has stopped anew.
  const afterwards = decided(["siem"]).note;
  expect(
    decide(
      everything,
      report([need("sink_stopped", { about: ["siem", "lake"] })]),
      afterwards,
      origin,
      NOW + 2,
    ).tell,
  ).toHaveLength(1);
});

describe("what has ended is taken back", () => {
  test("with what was told of it", () => {
    const { resolve } = decide(everything, report([]), told("stale", NOW), origin, NOW + 1);
    expect(resolve).toMatchObject([{ code: "stale", detail: "stale.", resolved: true }]);
  });

  test("of sinks only by a report that has asked them", () => {
    const before = told("dead_letters", NOW);
    expect(decide(everything, report([], { sinksAsked: false }), before, origin, NOW).resolve).toEqual([]);
    expect(decide(everything, report([]), before, origin, NOW).resolve).toHaveLength(1);
  });
});

test("a channel hears only of the codes that it lists", () => {
  const only = { codes: ["stale"], names: false };
  const { tell } = decide(only, report([need("stale"), need("org_changed")]), [], origin, NOW);
  expect(tell.map(({ alert }) => alert.code)).toEqual(["stale"]);
});

describe("changes", () => {
  const change = (code: ReportedChange["code"], n: number, count = 1): ReportedChange => ({
    code,
    uuid: `e${n}`,
    at: NOW - n,
    count,
    names: [`Jane ${n}`],
  });
  const changes = [change("admin_granted", 1), change("admin_granted", 2, 3), change("admin_suspended", 3)];
  const alertsOf = (channel: { codes: readonly string[] | null; names: boolean }) =>
    decide(channel, report([], { changes }), [], origin, NOW).changes;

  test("are told to those who list them, and to nobody else", () => {
    expect(alertsOf(everything)).toEqual([]);
    expect(alertsOf({ codes: ["admin_granted"], names: false })).toMatchObject([
      {
        code: "admin_granted",
        detail: "4 people were given an administrator role.",
        since: new Date(NOW - 2).toISOString(),
        resolved: false,
        link: "https://okta.example.com/console/inventory/users?admin=true&connection=acme",
      },
    ]);
  });

  test("name people only where `names` is set", () => {
    const [granted, suspended] = alertsOf({ codes: ["admin_granted", "admin_suspended"], names: true });
    expect(granted?.detail).toBe("4 people were given an administrator role: Jane 1, Jane 2, and others.");
    expect(suspended?.detail).toBe("1 administrator was suspended: Jane 3.");
    const by = (n: number, who: string): ReportedChange => ({ ...change("admin_granted", n), by: who });
    const told = (names: boolean) =>
      decide(
        { codes: ["admin_granted"], names },
        report([], { changes: [by(1, "desk@example.com"), by(2, "desk@example.com"), by(3, "Eve")] }),
        [],
        origin,
        NOW,
      ).changes[0]?.detail;
    expect(told(true)).toBe(
      "3 people were given an administrator role: Jane 1, Jane 2, Jane 3 (by desk@example.com, Eve).",
    );
    expect(told(false)).toBe("3 people were given an administrator role.");
  });
});

test("after any reports, a channel knows exactly what is open of what it wants", () => {
  const codes = ["stale", "org_changed", "sink_stopped", "dead_letters"] as const;
  const step = fc.record({
    open: fc.subarray([...codes]),
    sinksAsked: fc.boolean(),
    passes: fc.constantFrom(1000, DAY / 2, DAY),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.option(fc.subarray([...codes], { minLength: 1 })),
      (steps, wanted) => {
        let now = NOW;
        const store = new Map<string, Told>();
        // What a person who reads the channel takes to be open, and when they last heard of it.
        const heard = new Map<string, number>();
        const trulyOpen = new Set<string>();
        for (const { open, sinksAsked, passes } of steps) {
          now += passes;
          const isSink = (code: string) => code === "sink_stopped" || code === "dead_letters";
          const needs = open.filter((code) => sinksAsked || !isSink(code));
          for (const code of codes) {
            if (isSink(code) && !sinksAsked) continue;
            if (open.includes(code)) trulyOpen.add(code);
            else trulyOpen.delete(code);
          }
          const { tell, resolve, note } = decide(
            { codes: wanted, names: false },
            report(
              needs.map((code) => need(code)),
              { sinksAsked },
            ),
            [...store.values()],
            origin,
            now,
          );
          for (const one of [...tell, ...note]) store.set(one.alert.code, one);
          for (const { alert } of tell) {
            // Never twice within a day.
            expect(now - (heard.get(alert.code) ?? 0)).toBeGreaterThanOrEqual(DAY);
            heard.set(alert.code, now);
          }
          for (const alert of resolve) {
            store.delete(alert.code);
            expect(heard.delete(alert.code)).toBe(true);
          }
          const expected = [...trulyOpen].filter(
            (code) => wanted === null || wanted.some((one) => one === code),
          );
          expect([...heard.keys()].sort()).toEqual(expected.sort());
        }
      },
    ),
  );
});
