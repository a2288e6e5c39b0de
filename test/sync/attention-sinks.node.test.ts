import { describe, expect, test } from "vitest";
import type { SinkReport } from "../../src/contract/status.ts";
import { sinkNeeds } from "../../src/sync/attention-sinks.ts";

const sink = (name: string, over: Partial<SinkReport> = {}): SinkReport => ({
  name,
  type: "http",
  state: "ok",
  position: 7,
  lag_events: 0,
  lag_seconds: 0,
  last_error: null,
  next_try_at: null,
  dead_letters: 0,
  ...over,
});

const NOW = 1_800_000_000_000;

const codesOf = (...sinks: SinkReport[]) => sinkNeeds(sinks, "users", NOW).map(({ code }) => code);

describe("what sinks need a person for", () => {
  test("nothing while they work, or recover by themselves", () => {
    expect(codesOf()).toEqual([]);
    expect(codesOf(sink("a"), sink("b", { state: "retrying", last_error: "503" }))).toEqual([]);
  });

  test("a stop, with the receiver's words, since it began", () => {
    const stopped = { state: "stopped", last_error: "401 who are you", stopped_since: 5 } as const;
    expect(sinkNeeds([sink("a"), sink("b", stopped)], "users", NOW)).toMatchObject([
      {
        code: "sink_stopped",
        severity: "error",
        since: 5,
        detail: "Nothing is delivered to 1 sink: b: 401 who are you.",
        remedy: expect.stringContaining("/v1/test-connection"),
      },
    ]);
  });

  test("a receiver that has not answered for ten minutes", () => {
    const down = (since: number) => sink("a", { state: "retrying", last_error: "503", stopped_since: since });
    expect(codesOf(down(NOW - 599_999))).toEqual([]);
    expect(codesOf(down(NOW - 600_000))).toEqual(["sink_stopped"]);
  });

  test("a receiver that refuses everything is told apart from other stops", () => {
    const refusing = { state: "stopped", refusing: true, last_error: "400 no shards" } as const;
    expect(codesOf(sink("a", refusing), sink("b", { state: "stopped" }))).toEqual([
      "sink_stopped",
      "sink_refusing",
    ]);
    expect(codesOf(sink("a", refusing))).toEqual(["sink_refusing"]);
  });

  test("dead letters, with where they are listed", () => {
    const [need] = sinkNeeds([sink("a", { dead_letters: 2, dead_since: 9 }), sink("b")], "devices", NOW);
    expect(need).toMatchObject({
      code: "dead_letters",
      severity: "warning",
      since: 9,
      detail: expect.stringContaining("a: 2 dead letters"),
      remedy: expect.stringContaining("/v1/streams/devices/sinks/a/dead-letters"),
    });
  });

  test("of many sinks three are told, and how many more there are", () => {
    const stopped = Array.from({ length: 50 }, (_, index) =>
      sink(`s${index}`, { state: "stopped", last_error: "x".repeat(300) }),
    );
    const [need] = sinkNeeds(stopped, "users", NOW);
    expect(need?.detail).toContain("and 47 more sinks");
    expect(need?.detail.length).toBeLessThan(1100);
  });
});
