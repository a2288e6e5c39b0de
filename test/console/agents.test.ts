/** What people see of the calls of agents: a section on the connection's page. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CallHistory, CallsOfDay, CountedCalls } from "../../src/contract/calls.ts";
import { fullKey, goodSettings, muteLog, readKey } from "../http/support.ts";
import { visitorOf } from "./visitor.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

const NOW = Date.parse("2026-12-10T12:00:00.000Z");
const hostile = '<img src=x onerror="1">\u202Egnp';

const counted = (calls: number, some: Partial<CountedCalls> = {}): CountedCalls => ({
  tool: "lookup_account",
  key: "API_KEYS[1]",
  outcome: "ok",
  calls,
  ...some,
});

const on = (day: string, calls: number, some: Partial<CountedCalls> = {}): CallsOfDay => ({
  day,
  ...counted(calls, some),
});

interface Scene {
  readonly calls?: () => Promise<CallHistory>;
  readonly settings?: object;
  readonly as?: string;
}

/** The section as HTML, for somebody who has signed in. */
const section = async ({ calls, settings = {}, as = fullKey }: Scene): Promise<string> => {
  const { get, cookieOf } = visitorOf({
    settings: { ...goodSettings, ...settings },
    now: () => NOW,
    registry: () => ({
      reconcile: async () => [],
      known: async () => [],
      purge: async () => null,
      noteCalls: async () => {},
      calls: calls ?? (async () => ({ total: [], days: [] })),
    }),
  });
  const response = await get("/console/connection", { Cookie: await cookieOf(as) });
  expect(response.status).toBe(200);
  const html = await response.text();
  const from = html.indexOf('<section id="agents"');
  expect(from).toBeGreaterThan(0);
  const to = html.indexOf('<section id="removed"', from);
  return html.slice(from, to < 0 ? undefined : to);
};

const wordsIn = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .replaceAll(" .", ".");

const history = (total: readonly CountedCalls[], days: readonly CallsOfDay[] = []) => ({
  calls: async () => ({ total, days }),
});

describe("the section of agents", () => {
  test.each<[string, Scene, readonly string[], readonly string[]]>([
    [
      "nobody has called, and where to connect",
      {},
      ["No agent has called a tool yet.", "https://connector.example.com/mcp", "docs/agents.md", "read:"],
      ["<table", "Day by day"],
    ],
    [
      "agents connect to PUBLIC_URL where it is set",
      { settings: { PUBLIC_URL: "https://okta.example.org" } },
      ["https://okta.example.org/mcp"],
      ["connector.example.com"],
    ],
    [
      "answered, refused and failed calls are apart",
      history([
        counted(1200),
        counted(3, { outcome: "refused" }),
        counted(2, { outcome: "failed" }),
        counted(7, { tool: "posture" }),
      ]),
      [
        "lookup_account 1,200 3 2 API_KEYS[1] Read only",
        "posture 7 0 0 API_KEYS[1] Read only",
        '<span class="badge bad">2</span>',
      ],
      ["No agent has called", readKey],
    ],
    [
      "keys are apart, the most called first, with what they may do now",
      history([
        counted(1, { key: "API_KEYS[0]" }),
        counted(5),
        counted(4, { key: "API_KEYS[9]" }),
        counted(3, { key: "access" }),
      ]),
      [
        "5 0 0 API_KEYS[1] Read only lookup_account 4 0 0 API_KEYS[9] no such key now",
        "lookup_account 3 0 0 Cloudflare Access Full rights lookup_account 1 0 0 API_KEYS[0] Full rights",
      ],
      [fullKey, readKey],
    ],
    [
      "the last 30 days are silent",
      history([counted(5)], [on("2026-11-10", 5)]),
      ["No tool was called in the last 30 days."],
      ["<details", "No agent has called"],
    ],
    [
      "each day has its calls with all keys",
      history(
        [counted(50)],
        [
          on("2026-12-10", 30),
          on("2026-12-10", 10, { key: "API_KEYS[0]", outcome: "refused" }),
          on("2026-11-11", 10, { outcome: "failed" }),
        ],
      ),
      [
        "10 December 40 30 10 0 API_KEYS[0], API_KEYS[1]",
        "11 November 10 0 0 10 API_KEYS[1]",
        'width="100" height="8"></rect></svg>',
        'width="25" height="8"></rect></svg>',
      ],
      [],
    ],
    [
      "the calls cannot be told",
      { calls: () => Promise.reject(new Error("not now")) },
      ['role="alert"', "Internal error", "https://connector.example.com/mcp"],
      ["No agent has called", "not now"],
    ],
  ])("tells that %s", async (_, scene, says, saysNot) => {
    const html = await section(scene);
    const words = wordsIn(html);
    for (const one of says) expect([one, html.includes(one) || words.includes(one)]).toEqual([one, true]);
    for (const one of saysNot) expect([one, html.includes(one)]).toEqual([one, false]);
  });

  test("shows names of tools and keys as text, whatever they are", async () => {
    const html = await section(
      history(
        [counted(1, { tool: hostile, key: hostile })],
        [on("2026-12-10", 1, { tool: hostile, key: hostile })],
      ),
    );
    expect(html.match(/&lt;img src=x/g)?.length).toBeGreaterThanOrEqual(3);
    expect(html).not.toContain("<img src=x");
    expect(html).not.toContain("\u202E");
  });

  test("bounds the rows", async () => {
    const total = Array.from({ length: 250 }, (_, n) => counted(1, { tool: `tool_${n}` }));
    const html = await section(history(total));
    expect(html.match(/tool_\d+/g)).toHaveLength(200);
    expect(html).toContain("and 50 more");
  });

  test("is for whoever may read, too", async () => {
    expect(await section({ ...history([counted(5)]), as: readKey })).toContain("lookup_account");
  });
});
