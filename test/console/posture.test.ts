/** What people see of posture: the page of the checks, their lists in the inventory, and those as CSV. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FoundUser, SearchResults } from "../../src/contract/inventory-documents.ts";
import type { CheckCounts, CheckId, PosturePoint, StreamPosture } from "../../src/contract/posture.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import type { SearchQuery } from "../../src/contract/stream-api.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { fakeStream, fullKey, goodSettings, muteLog, runOf, statusOf, textOf } from "../http/support.ts";
import { visitorOf } from "./visitor.ts";

beforeEach(muteLog);
afterEach(() => vi.restoreAllMocks());

const NOW = Date.parse("2026-12-10T12:00:00.000Z");
const hostile = '<img src=x onerror="1">\u202Egnp';

/** Counts of which what is left out is 0. */
const counts = (some: Partial<CheckCounts>): CheckCounts => ({
  count: 0,
  unknown: 0,
  excepted: 0,
  population: 0,
  ...some,
});

const person: FoundUser = {
  stream: "users",
  id: "00u1",
  name: "Jane",
  login: "jane@example.com",
  email: "jane@example.com",
  status: "ACTIVE",
  deleted: false,
  mfa_enrolled: false,
  phishing_resistant: false,
  is_admin: true,
  department: null,
  last_login: null,
  created: null,
  changed_at: "2026-12-10T00:00:00.000Z",
};

interface Scene {
  readonly users?: Partial<StreamPosture>;
  readonly devices?: Partial<StreamPosture>;
  readonly status?: Partial<Record<StreamName, Partial<StreamStatus>>>;
  readonly settings?: object;
  readonly found?: Partial<SearchResults>;
}

/** Somebody who has signed in. `asked` holds what was searched for. */
const visitor = async ({ users, devices, status = {}, settings = {}, found }: Scene = {}) => {
  const asked: SearchQuery[] = [];
  const nothing: StreamPosture = { at: NOW, checks: {}, exceptions: [], trend: [] };
  const own = { users, devices };
  const { get, cookieOf } = visitorOf({
    settings: { ...goodSettings, ...settings },
    now: () => NOW,
    stream: (_env, connection, stream) => {
      const fake = fakeStream(connection, stream);
      return {
        ...fake,
        status: async () => ({ ...statusOf(connection, stream), ...status[stream] }),
        posture: async () => ({ ...nothing, ...own[stream] }),
        search: async (query) => {
          asked.push(query);
          return { ...(await fake.search(query)), ...found };
        },
      };
    },
  });
  const Cookie = await cookieOf(fullKey);
  return {
    asked,
    get: (path: string) => get(path, { Cookie }),
    page: async (path: string) => (await get(path, { Cookie })).text(),
  };
};

const wordsIn = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&#39;", "'")
    .replaceAll(/\s+/g, " ");

/** What the page says of a check, as HTML. */
const findingOf = (html: string, id: CheckId): string => {
  const from = html.indexOf(`<li class="sheet finding" id="${id}"`);
  if (from < 0) throw new Error(`${id} is not on the page`);
  const to = html.indexOf('<li class="sheet finding"', from + 1);
  return html.slice(from, to < 0 ? undefined : to);
};

const pointOn = (day: string, count: number, id: CheckId = "admin_without_mfa"): PosturePoint => ({
  day,
  at: Date.parse(day),
  checks: { [id]: counts({ count, population: 9 }) },
});

describe("the page of a check", () => {
  const exception = { check: "admin_without_mfa", groupId: "00gBreak", reason: "In a safe" } as const;
  const named = { ...exception, group: "Break glass", until: "2027-01-01T00:00:00.000Z" };

  test.each<[string, Partial<StreamPosture>, readonly string[], readonly string[]]>([
    [
      "nothing is found",
      { checks: { admin_without_mfa: counts({ population: 950 }) } },
      ["0 of 950 users", "Show the list"],
      ["badge bad", "unknown", "CSV", "excepted:"],
    ],
    [
      "somebody is found",
      { checks: { admin_without_mfa: counts({ count: 1, population: 1950 }) } },
      ["1 administrator, of 1,950 users", "Show 1 administrator", "badge bad", "Download as CSV"],
      ["unknown"],
    ],
    [
      "some are unknown",
      { checks: { admin_without_mfa: counts({ unknown: 2, population: 9 }) } },
      ["0 to 2 administrators, of 9 users", "2 unknown, because their roles or their MFA factors"],
      ["finding-count bad", "finding-count good"],
    ],
    [
      "all are unknown",
      { checks: { admin_without_mfa: counts({ unknown: 9, population: 9 }) } },
      ["Unknown of 9 users", "9 unknown, because"],
      ["good"],
    ],
    ["nobody is there", { checks: {} }, ["– There is no user to check."], ["good", "CSV"]],
    [
      "some are excepted",
      {
        checks: { admin_without_mfa: counts({ count: 1, excepted: 2, population: 9 }) },
        exceptions: [named],
      },
      [
        "2 more are excepted:",
        'href="/console/inventory/users?group=00gBreak"',
        "Break glass , until 2027-01-01 00:00:00 UTC : In a safe",
      ],
      ["does not know"],
    ],
    [
      "an excepted group is not known",
      {
        checks: { admin_without_mfa: counts({ count: 1, population: 9 }) },
        exceptions: [{ ...exception, group: null, until: null }],
      },
      [
        "Nobody is excepted at present by this exception:",
        "Group 00gBreak , which the inventory does not know, without an end: In a safe",
      ],
      ["group=00gBreak"],
    ],
    [
      "no day was counted",
      { checks: { admin_without_mfa: counts({ population: 9 }) }, trend: [] },
      ["No day is counted yet"],
      ["<svg", "<details"],
    ],
    [
      "one day was counted",
      { checks: { admin_without_mfa: counts({ population: 9 }) }, trend: [pointOn("2026-12-03", 1)] },
      ["Counted since 3 December."],
      ["<svg", "<details"],
    ],
    [
      "the trend has a gap",
      {
        checks: { admin_without_mfa: counts({ count: 4, population: 9 }) },
        trend: [pointOn("2026-12-03", 1), pointOn("2026-12-04", 1), pointOn("2026-12-07", 4)],
      },
      [
        'role="img" aria-label="1 on 3 December, 4 now, not known on 2 days"',
        "5 to 6 December not counted",
        "3 to 4 December 1 0 0",
      ],
      [],
    ],
  ])("tells that %s", async (_, users, says, saysNot) => {
    const { page } = await visitor({ users });
    const html = findingOf(await page("/console/posture"), "admin_without_mfa");
    const words = wordsIn(html);
    for (const one of says) expect([one, html.includes(one) || words.includes(one)]).toEqual([one, true]);
    for (const one of saysNot) expect([one, html.includes(one)]).toEqual([one, false]);
  });

  test("draws a line for each time without a gap, with its axes in words", async () => {
    const trend = [pointOn("2026-12-03", 1), pointOn("2026-12-04", 1), pointOn("2026-12-07", 1234)];
    const { page } = await visitor({ users: { trend } });
    const html = findingOf(await page("/console/posture"), "admin_without_mfa");
    expect(html.match(/<path class="trend-line/g)).toHaveLength(2);
    expect(wordsIn(html)).toContain("1,234 0");
    expect(wordsIn(html)).toContain("3 December 7 December");
  });

  test("shows the text of a hostile group and of a hostile reason as text", async () => {
    const exceptions = [{ ...named, group: hostile, reason: hostile }];
    const { page } = await visitor({ users: { exceptions } });
    const html = findingOf(await page("/console/posture"), "admin_without_mfa");
    expect(html.match(/&lt;img src=x/g)?.length).toBeGreaterThanOrEqual(2);
    expect(html).not.toContain("<img src=x");
    expect(html).not.toContain("\u202E");
  });

  test("folds many exceptions", async () => {
    const exceptions = Array.from({ length: 8 }, (_, n) => ({ ...named, group: `Group ${n}` }));
    const { page } = await visitor({ users: { exceptions } });
    expect(findingOf(await page("/console/posture"), "admin_without_mfa")).toContain("and 3 more exceptions");
  });

  test("comes after the graver ones, and leads to its list and to that as CSV", async () => {
    const { page } = await visitor({
      users: {
        checks: {
          admin_without_mfa: counts({ population: 9 }),
          active_without_mfa: counts({ count: 3, population: 9 }),
          locked_out: counts({ count: 8, population: 9 }),
        },
      },
      devices: { checks: { device_unmanaged: counts({ count: 2, population: 4 }) } },
    });
    const html = await page("/console/posture");
    const order = [...html.matchAll(/<li class="sheet finding" id="(\w+)"/g)].map(([, id]) => id);
    expect(order).toHaveLength(15);
    expect(order[0]).toBe("active_without_mfa");
    expect(order.indexOf("device_unmanaged")).toBe(4);
    expect(order.indexOf("locked_out")).toBe(10);
    const devices = findingOf(html, "device_unmanaged");
    expect(devices).toContain('href="/console/inventory/devices?posture=device_unmanaged"');
    expect(devices).toContain('href="/console/inventory/devices/csv?posture=device_unmanaged"');
    expect(html).toContain("1 check of high severity has findings.");
  });
});

describe("the page before everything is read", () => {
  const unread = { current_as_of: null, last_full: null };
  const ownersUnread = "is known once a run of both streams has succeeded";
  const devices = {
    checks: { device_of_admin_unmanaged: counts({ unknown: 2, population: 4 }) },
  };

  test("says which stream has not been read, and that nobody knows whose the devices are", async () => {
    const { page } = await visitor({ devices, status: { users: unread } });
    const words = wordsIn(await page("/console/posture"));
    expect(words).toContain("The users have not been read yet, so nothing can be told of them.");
    expect(words).not.toContain("The devices have not been read yet");
    expect(words).toContain(ownersUnread);
  });

  test("says that a first run is in progress", async () => {
    const { page } = await visitor({ status: { users: { ...unread, run: runOf("full") } } });
    expect(wordsIn(await page("/console/posture"))).toContain("The first run of the users has not ended.");
  });

  test("asks for no run where the org has no devices to read", async () => {
    const { page } = await visitor({ status: { devices: { ...unread, state: "unavailable" } } });
    const words = wordsIn(await page("/console/posture"));
    expect(words).toContain("Not available in this org");
    expect(words).not.toContain("have not been read yet");
  });

  test("says nothing of it once both are read", async () => {
    const { page } = await visitor({ devices });
    const words = wordsIn(await page("/console/posture"));
    expect(words).not.toContain(ownersUnread);
    expect(words).toContain("because it is not known who manages them");
  });
});

describe("wrong exceptions", () => {
  const settings = { POSTURE_EXCEPTIONS: "[{}]" };

  test.each(["/console/posture", "/console/inventory/users?posture=locked_out"])(
    "are told with what is wrong: %s",
    async (path) => {
      const { get } = await visitor({ settings });
      const response = await get(path);
      expect(response.status).toBe(503);
      const html = await response.text();
      expect(html).toContain('role="alert"');
      expect(html).toContain("POSTURE_EXCEPTIONS[0]");
    },
  );
});

describe("the list of a check", () => {
  const path = "/console/inventory/users?posture=admin_without_mfa&department=Sales&sort=name";
  const found = { results: [person], total: 60, next: "place" };

  test("has the check in its title, keeps it while sorting and paging, and loses it on demand", async () => {
    const { page, asked } = await visitor({ found });
    const html = await page(path);
    expect(asked).toMatchObject([{ posture: "admin_without_mfa", department: "Sales", sort: "name" }]);
    expect(html).toContain("<h1><bdi>Administrators without MFA of Sales</bdi></h1>");
    const hrefs = [...html.matchAll(/href="([^"]*\/inventory\/users[^"]*)"/g)].map(([, href = ""]) =>
      href.replaceAll("&amp;", "&"),
    );
    const all = "posture=admin_without_mfa&department=Sales";
    expect(hrefs).toContain(`/console/inventory/users?${all}&sort=name&order=desc`);
    expect(hrefs).toContain(`/console/inventory/users?${all}&sort=name&after=place`);
    expect(hrefs).toContain(`/console/inventory/users/csv?${all}&sort=name`);
    expect(hrefs).toContain("/console/inventory/users?department=Sales&sort=name");
    expect(hrefs).toContain("/console/inventory/users?posture=admin_without_mfa&sort=name");
    expect(html).toContain('aria-label="Remove: Administrators without MFA"');
    expect(html).toContain('<a href="/console/posture">Posture</a>');
  });

  test.each([
    ["users?mfa=not_enrolled", "Users without MFA"],
    ["users?admin=true&mfa=not_enrolled", "Administrators without MFA"],
    ["users?admin=false", "Users that are no administrators"],
    ["users?deleted=true", "Deleted users"],
    ["users?deleted=true&admin=true", "Deleted administrators"],
    [
      "users?posture=locked_out&deleted=true&admin=true",
      "Locked out users that are administrators that are deleted",
    ],
    ["devices?managed=false&q=x", "Devices that are not managed matching “x”"],
    ["devices?posture=device_unmanaged&platform=Windows", "Active devices that are not managed with Windows"],
  ])("%s is %s", async (query, title) => {
    const { page } = await visitor();
    expect(await page(`/console/inventory/${query}`)).toContain(`<h1><bdi>${title}</bdi></h1>`);
  });

  test("of no check says which there are", async () => {
    const { get } = await visitor();
    const response = await get("/console/inventory/users?posture=nothing");
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("admin_without_mfa");
  });

  test("is a CSV that is named after the check", async () => {
    const { get, asked } = await visitor({ found: { ...found, next: null } });
    const response = await get("/console/inventory/users/csv?posture=admin_without_mfa&department=Sales");
    expect(response.headers.get("Content-Type")).toContain("text/csv");
    expect(response.headers.get("Content-Disposition")).toBe(
      'attachment; filename="okta-users-admin_without_mfa.csv"',
    );
    expect(await textOf(response)).toContain('"jane@example.com"');
    expect(asked).toMatchObject([{ posture: "admin_without_mfa", department: "Sales" }]);
    const plain = await get("/console/inventory/users/csv?department=Sales");
    expect(plain.headers.get("Content-Disposition")).toBe('attachment; filename="okta-users.csv"');
    await plain.body?.cancel();
  });
});

test("the overview leads to the page", async () => {
  const { page } = await visitor();
  expect(await page("/")).toContain('<a href="/console/posture">What else deserves worry</a>');
});
