import { describe, expect, it } from "vitest";
import { countLines, idOf, loginOf, nextSteps, sampleEvent } from "../../dev/start/report.ts";
import { runOf, statusOf } from "./support.ts";

const eventOf = (uid: string, has_mfa: boolean | null, groups: unknown) => ({
  user: { uid, name: `${uid}@example.com`, has_mfa, groups },
});

describe("the sample event", () => {
  it("is one that shows MFA and groups", () => {
    const telling = eventOf("c", true, [{}, {}]);
    const events = [eventOf("a", false, [{}]), eventOf("b", true, [{}, {}, {}, {}]), telling];
    expect(sampleEvent(events)).toBe(telling);
  });

  it("is the first where none does", () => {
    const plain = eventOf("a", null, null);
    expect(sampleEvent([plain, eventOf("b", false, [])])).toBe(plain);
    expect(sampleEvent([])).toBeUndefined();
  });

  it("has a login and an id, where it is a user's", () => {
    expect([loginOf(eventOf("a", true, [])), idOf(eventOf("a", true, []))]).toEqual(["a@example.com", "a"]);
    expect([loginOf({ device: {} }), idOf(null)]).toEqual([null, null]);
  });
});

describe("the counts", () => {
  it("say what is known and what the newest run cost, the dearest endpoint first", () => {
    expect(countLines([statusOf("users")])).toEqual([
      "1,000 users (full run: 3 calls in 12 s)",
      "        2  GET /api/v1/groups",
      "        1  GET /api/v1/users",
    ]);
    const delta = runOf({
      kind: "delta",
      started_at: "2025-01-15T10:15:00.000Z",
      finished_at: "2025-01-15T10:15:01.000Z",
      calls: { made: 1, predicted: null, by_endpoint: { "GET /api/v1/logs": 1 } },
    });
    expect(countLines([statusOf("users", { last_delta: delta })])[0]).toBe(
      "1,000 users (delta run: 1 call in 1 s)",
    );
  });

  it("say what is missing", () => {
    const assets = { total: 10, deleted: 2, quarantined: 1, unknown: { factors: 3 } };
    expect(countLines([statusOf("users", { assets, last_full: null })])).toEqual([
      "10 users, 2 deleted, factors unknown for 3, 1 unreadable record",
    ]);
    expect(countLines([statusOf("devices", { state: "unavailable" })])).toEqual(["devices: not available"]);
  });
});

describe("the commands to try next", () => {
  const places = { origin: "http://127.0.0.1:8787", key: "the-key", hasConsole: true, userId: "00u1" };

  it("hold the key and a login", () => {
    const text = nextSteps({ ...places, login: "o'hara@example.com", orgOrigin: null });
    expect(text).toContain(
      "curl -H 'Authorization: Bearer the-key' 'http://127.0.0.1:8787/v1/enrichments/accounts/o%27hara@example.com'",
    );
    expect(text).toContain("http://127.0.0.1:8787/\n");
    expect(text).not.toContain("suspend");
  });

  it("change the org only where it is simulated", () => {
    const text = nextSteps({ ...places, hasConsole: false, login: null, orgOrigin: "http://127.0.0.1:8790" });
    expect(text).toContain("curl -X POST 'http://127.0.0.1:8790/_org/users/00u1/suspend'");
    expect(text).toContain("/v1/enrichments/accounts/someone@example.com");
    expect(text).not.toContain("console");
  });
});
