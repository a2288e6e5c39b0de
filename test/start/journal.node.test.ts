/** The simulated org of `npm start` is the same after a restart. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OrgDump } from "../../dev/okta-org/org/types.ts";
import { openJournal, readJournal } from "../../dev/start/journal.ts";
import { lastingOrg, TOKEN } from "../../dev/start/simulation.ts";

const SIZE = { users: 30, groups: 6, devices: 8, seed: 3 };
const ORIGIN = "http://127.0.0.1:8790";
const STARTED_AT = Date.parse("2026-03-01T12:00:00.000Z");

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "org-"));
  file = join(folder, "org.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = async (isNew = true) => {
  const journal = openJournal(file, isNew, STARTED_AT);
  const org = await lastingOrg(SIZE, journal);
  const ask = async (method: string, path: string, body?: unknown): Promise<Response> =>
    org.fetch(
      new Request(`${ORIGIN}${path}`, {
        method,
        headers: { Authorization: `SSWS ${TOKEN}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
  return {
    ...org,
    journal,
    ask,
    dump: async (): Promise<OrgDump> => (await ask("GET", "/_org/dump")).json() as Promise<OrgDump>,
    log: async (): Promise<unknown> => {
      const since = new Date(Date.now() - 3_600_000).toISOString();
      const response = await ask("GET", `/api/v1/logs?since=${since}&limit=1000`);
      expect(response.status).toBe(200);
      return response.json();
    },
  };
};

describe("after a restart", () => {
  test("the org and its log are what they were, whatever was done and read meanwhile", async () => {
    const step = fc.oneof(
      fc.record({ churn: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ read: fc.integer({ min: 0, max: SIZE.users - 1 }) }),
      fc.record({ hook: fc.constant(true) }),
      fc.record({ takeover: fc.integer({ min: 1, max: SIZE.users - 1 }) }),
      fc.record({ advance: fc.integer({ min: 1, max: 86_400_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        rmSync(file, { force: true });
        const before = await start();
        const { users } = await before.dump();
        for (const action of steps) {
          if ("churn" in action) await before.ask("POST", "/_org/churn", { changes: action.churn });
          else if ("read" in action)
            await before.ask("GET", `/api/v1/users/${users[action.read]?.id}/factors`);
          else if ("takeover" in action)
            await before.ask("POST", "/_org/takeover", {
              user: users[action.takeover]?.id,
              helpdesk: users[0]?.id,
            });
          else if ("advance" in action)
            await before.ask("POST", "/_org/clock", { advance_ms: action.advance });
          else
            await before.ask("POST", "/api/v1/eventHooks", {
              name: "h",
              events: { type: "EVENT_TYPE", items: ["user.lifecycle.suspend"] },
              channel: {
                type: "HTTP",
                version: "1.0.0",
                config: {
                  uri: "https://h.example.com",
                  authScheme: { type: "HEADER", key: "a", value: "b" },
                },
              },
            });
        }
        const after = await start(false);
        expect(after.refused).toBe(0);
        expect(await after.dump()).toEqual(await before.dump());
        expect(await after.log()).toEqual(await before.log());
      }),
      { numRuns: 25 },
    );
  });

  test("what may no longer be read may still not be read, and a clock that was moved stays ahead", async () => {
    const before = await start();
    await before.ask("POST", "/_org/restrict", { forbid: ["devices"] });
    await before.ask("POST", "/_org/clock", { advance_ms: 7_200_000 });
    const after = await start(false);
    expect((await after.ask("GET", "/api/v1/devices")).status).toBe(403);
    const { offset_ms } = (await (await after.ask("POST", "/_org/clock", { advance_ms: 0 })).json()) as {
      offset_ms: number;
    };
    expect(offset_ms).toBe(7_200_000);
  });

  test("a takeover is what it was, and its time has passed for good", async () => {
    const before = await start();
    const [owner, user] = (await before.dump()).users.filter(({ status }) => status === "ACTIVE");
    const people = { user: user?.id, helpdesk: owner?.id, gap_ms: 60_000 };
    expect((await before.ask("POST", "/_org/takeover", people)).status).toBe(200);
    const after = await start(false);
    expect(await after.dump()).toEqual(await before.dump());
    expect(await after.log()).toEqual(await before.log());
    const clock = await after.ask("POST", "/_org/clock", { advance_ms: 0 });
    expect(await clock.json()).toMatchObject({ offset_ms: 240_000 });
  });

  test("faults are gone, and requests that the org has refused are not noted", async () => {
    const before = await start();
    await before.ask("POST", "/_org/faults", { kind: "503" });
    await before.ask("DELETE", "/_org/faults");
    expect((await before.ask("POST", "/_org/users/nobody/suspend")).status).toBe(404);
    expect((await start(false)).journal.entries).toEqual([]);
  });
});

test("a new org is of the moment: sign-ins lie between minutes and years before its first start", async () => {
  const { dump } = await start();
  const ages = (await dump()).users.flatMap(({ lastLogin }) =>
    lastLogin === null ? [] : [STARTED_AT - Date.parse(lastLogin)],
  );
  expect(Math.min(...ages)).toBeGreaterThan(0);
  expect(Math.min(...ages)).toBeLessThan(7 * 86_400_000);
  expect(Math.max(...ages)).toBeGreaterThan(365 * 86_400_000);
});

describe("the file", () => {
  const HEADER = '{"version":1,"epoch":"2026-03-01T12:00:00.000Z"}\n';
  const ENTRY =
    '{"at":"2026-03-01T12:01:00.000Z","method":"POST","path":"/_org/churn","body":"{\\"changes\\":1}"}\n';

  test("a line that was being written when the process was killed does not count, and is no trap", async () => {
    writeFileSync(file, `${HEADER}${ENTRY}${ENTRY.slice(0, 40)}`);
    const { journal, ask } = await start(false);
    expect(journal.entries).toHaveLength(1);
    await ask("POST", "/_org/churn", { changes: 1 });
    expect(readJournal(readFileSync(file, "utf8"))).toMatchObject({
      ok: true,
      value: { entries: { length: 2 } },
    });
  });

  test.each([
    ["nothing", "", "line 1"],
    ["another beginning", '{"version":2}\n', "line 1"],
    ["a line that is not JSON", `${HEADER}${ENTRY}oops\n`, "line 3"],
    ["a path elsewhere", `${HEADER}${ENTRY.replace("/_org/churn", "/api/v1/users")}`, "line 2"],
  ])("%s is set aside and said", (_, text, where) => {
    writeFileSync(file, text);
    const { broken, entries } = openJournal(file, false, STARTED_AT);
    expect(broken).toContain(where);
    expect(entries).toEqual([]);
    const [aside = ""] = readdirSync(folder).filter((name) => name.includes("broken"));
    expect(readFileSync(join(folder, aside), "utf8")).toBe(text);
    appendFileSync(file, ENTRY);
    expect(openJournal(file, false, STARTED_AT).broken).toBeNull();
  });

  test("an org that was stored before there was such a file stays the org that it was", () => {
    expect(openJournal(file, false, STARTED_AT).epoch).toBe("2025-10-01T00:00:00.000Z");
  });
});
