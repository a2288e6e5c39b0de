/** Alerts on their way: tried five times, told once, withdrawn when nobody has heard of them. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AlertDesk } from "../../src/alerts/alert-desk.ts";
import type { AlertChannel } from "../../src/config/alert-channels.ts";
import type { Alert, ReportedNeed, StreamReport } from "../../src/contract/alerts.ts";
import { muteLog } from "../http/support.ts";

beforeEach(muteLog);
afterEach(() => reset());

// Later than any real clock, so that the object whose storage it is sleeps on.
const START = Date.parse("2035-01-01T12:00:00Z");
const channel = (name: string, more: Partial<AlertChannel> = {}): AlertChannel => ({
  name,
  type: "webhook",
  url: `https://${name}.example.com/hook`,
  codes: null,
  names: false,
  connections: null,
  ...more,
});
const stale: ReportedNeed = {
  code: "stale",
  severity: "warning",
  detail: "Not current.",
  remedy: "Look.",
  since: START,
};
const report = (needs: readonly ReportedNeed[], more: Partial<StreamReport> = {}): StreamReport => ({
  stream: "users",
  needs,
  sinksAsked: true,
  changes: [],
  ...more,
});

/** A desk whose clock and channels the test has in hand. Another object lends the storage. */
const atDesk = (
  channels: readonly AlertChannel[],
  play: (stage: {
    desk: () => AlertDesk;
    storage: DurableObjectStorage;
    /** What each channel got, as `code`, or `code!` once it has ended. */
    got: Record<string, string[]>;
    /** How each channel answers. */
    answer: Record<string, () => Response | Promise<Response>>;
    use: (channels: readonly AlertChannel[]) => void;
    pass: (ms: number) => void;
    /** Works whenever the alarm is due, for so long. */
    work: (ms: number) => Promise<void>;
  }) => Promise<void>,
) =>
  runInDurableObject(env.SINK_DELIVERY.getByName("t1/users/lent"), async (_, { storage }) => {
    let now = START;
    let present = channels;
    const got: Record<string, string[]> = {};
    const answer: Record<string, () => Response | Promise<Response>> = {};
    const make = () =>
      new AlertDesk({
        storage,
        channels: () => present,
        origin: () => ({ connection: "acme", publicUrl: null }),
        now: () => now,
        fetch: async (input, init) => {
          const [name = ""] = new URL(String(input)).hostname.split(".");
          const { code, resolved }: Alert = JSON.parse(String(init?.body));
          got[name] = [...(got[name] ?? []), resolved ? `${code}!` : code];
          return answer[name]?.() ?? new Response("ok");
        },
      });
    let desk = make();
    await play({
      desk: () => desk,
      storage,
      got,
      answer,
      use: (others) => {
        present = others;
        desk = make();
      },
      pass: (ms) => {
        now += ms;
      },
      work: async (ms) => {
        const until = now + ms;
        for (;;) {
          const alarm = await storage.getAlarm();
          if (alarm === null || alarm > until) break;
          now = Math.max(now, alarm);
          await storage.deleteAlarm();
          await desk.work();
        }
        now = until;
      },
    });
  });

test("one that is not taken is tried five times within an hour, and does not hold up others", async () => {
  await atDesk([channel("dead"), channel("soc")], async ({ desk, got, answer, work }) => {
    answer["dead"] = () => new Response("no", { status: 503 });
    await desk().report(report([stale]));
    await work(1000);
    expect(got).toEqual({ dead: ["stale"], soc: ["stale"] });
    await work(3_600_000);
    expect(got).toEqual({ dead: Array(5).fill("stale"), soc: ["stale"] });
    await desk().report(report([stale]));
    await work(3_600_000);
    expect(got["dead"]).toHaveLength(5);
  });
});

test.each([
  [
    "a redirect",
    () => new Response(null, { status: 302, headers: { location: "https://login.example.com" } }),
  ],
  ["a refusal", () => new Response("invalid_token", { status: 403 })],
  ["no answer", () => Promise.reject(new Error("connection refused"))],
])("%s is not taken for an answer that it was told", async (_, refuse) => {
  await atDesk([channel("soc")], async ({ desk, got, answer, work }) => {
    answer["soc"] = refuse;
    await desk().report(report([stale]));
    await work(1000);
    answer["soc"] = () => new Response(null, { status: 204 });
    await work(60_000);
    expect(got["soc"]).toEqual(["stale", "stale"]);
  });
});

test("its end is told to whoever has heard of it, and to nobody else", async () => {
  await atDesk([channel("dead"), channel("soc")], async ({ desk, got, answer, work, pass }) => {
    answer["dead"] = () => new Response(null, { status: 500 });
    await desk().report(report([stale]));
    await work(1000);
    pass(1000);
    await desk().report(report([]));
    answer["dead"] = () => new Response("ok");
    await work(3_600_000);
    expect(got).toEqual({ dead: ["stale"], soc: ["stale", "stale!"] });
  });
});

test("memory that is lost makes nothing told twice, and a channel that comes later hears what is open", async () => {
  await atDesk([channel("soc")], async ({ desk, got, use, work }) => {
    await desk().report(report([stale]));
    await work(1000);
    use([channel("soc"), channel("new")]);
    await desk().report(report([stale]));
    await work(1000);
    expect(got).toEqual({ soc: ["stale"], new: ["stale"] });
    // What a channel that is gone was told is forgotten: if it comes back, it hears it anew.
    use([channel("soc")]);
    await desk().report(report([stale]));
    use([channel("soc"), channel("new")]);
    await desk().report(report([stale]));
    await work(1000);
    expect(got).toEqual({ soc: ["stale"], new: ["stale", "stale"] });
  });
});

test("both streams have needs of their own", async () => {
  await atDesk([channel("soc")], async ({ desk, got, work }) => {
    await desk().report(report([stale]));
    await desk().report(report([stale], { stream: "devices" }));
    await desk().report(report([], { stream: "devices" }));
    await work(1000);
    expect(got["soc"]).toEqual(["stale"]);
    await desk().report(report([]));
    await work(1000);
    expect(got["soc"]).toEqual(["stale", "stale!"]);
  });
});

test("a change is told once, however often its event is heard, and each event by itself", async () => {
  const wants = channel("soc", { codes: ["admin_granted"] });
  const change = (uuid: string) =>
    ({ code: "admin_granted", uuid, at: START, count: 1, names: ["Jane"] }) as const;
  await atDesk([wants], async ({ desk, got, work }) => {
    await desk().report(report([], { changes: [change("e1")] }));
    await desk().report(report([], { changes: [change("e1"), change("e2")] }));
    await desk().report(report([], { changes: [change("e2")] }));
    await work(1000);
    expect(got["soc"]).toEqual(["admin_granted", "admin_granted"]);
  });
});

test("without channels nothing is kept", async () => {
  await atDesk([], async ({ desk, storage }) => {
    await desk().report(report([stale]));
    expect(storage.sql.exec("SELECT count(*) AS n FROM told").one()).toEqual({ n: 0 });
    expect(await storage.getAlarm()).toBeNull();
  });
});
