/** What people see of the history: on a person's page, on the pages of what changed, and in look-ups for the past. */
import { reset } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import type { RecentChanges } from "../../src/contract/changes.ts";
import { fakeStream, fullKey, goodSettings } from "../http/support.ts";
import { apiKey, createOrg, sync, type TestOrg } from "../support/org.ts";
import { visitorOf } from "./visitor.ts";

const CONNECTION = "t18";
const ORIGIN = "https://connector.example.com";

afterEach(() => reset());

const signIn = async (): Promise<string> => {
  const response = await exports.default.fetch(`${ORIGIN}/console/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin" },
    body: new URLSearchParams({ key: apiKey(), next: "/" }).toString(),
  });
  return (response.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "";
};

/** A page as its HTML, and as the text that people read. */
const visit = async (path: string): Promise<{ html: string; text: string; status: number }> => {
  const url = new URL(path, ORIGIN);
  url.searchParams.set("connection", CONNECTION);
  const response = await exports.default.fetch(url.href, { headers: { Cookie: await signIn() } });
  const html = await response.text();
  return { html, text: textOf(html), status: response.status };
};

const textOf = (html: string): string =>
  html
    .replaceAll(/<option.*?<\/option>/gs, "")
    .replaceAll(/<\/(p|li|h2|dt|dd|div)>/g, " | ")
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll(/\s+/g, " ");

/** The texts of the changes on a page, in their order. */
const entries = (html: string): string[] =>
  [...html.matchAll(/<li class="change">(.*?)(?=<li class="change">|<\/ol>)/gs)].map(([, inside]) =>
    textOf(inside ?? ""),
  );

const actor = { id: "00uAda", type: "User", alternateId: "ada@acme.test", displayName: "Ada Admin" };

const orgWithJane = async (): Promise<TestOrg> => {
  const org = await createOrg(CONNECTION, { users: 5, groups: 3, devices: 3 });
  await org.change("POST", "/users", {
    id: "00uJane",
    status: "ACTIVE",
    profile: { login: "jane@acme.test", email: "jane@acme.test", firstName: "Jane", title: "Clerk" },
  });
  await org.change("POST", "/groups", {
    id: "00gBerlin",
    profile: { name: "Berlin", description: "" },
    members: ["00uJane"],
  });
  await org.change("POST", "/users/00uJane/factors", { factorType: "sms" });
  // What the log tells of all this is long over.
  await org.advance(3_600_000);
  await sync(CONNECTION);
  return org;
};

const page = "/console/inventory/users/00uJane";

describe("a person's page", () => {
  test("tells what changed, newest first: when, by whom, before and after, and which log events told", async () => {
    const org = await orgWithJane();
    await org.advance(60_000);
    await org.change("PATCH", "/users/00uJane", { profile: { title: "Boss" } });
    await sync(CONNECTION, "delta");
    await org.advance(60_000);
    await org.change("DELETE", "/users/00uJane/factors");
    await sync(CONNECTION, "delta");
    const { html } = await visit(page);
    const [newest, older] = entries(html);
    expect(newest).toContain("MFA enrolled: Yes → No");
    expect(newest).toMatch(/MFA factors: removed sms \(OKTA, enrolled [-0-9]+ [:0-9]+ UTC\)/);
    expect(newest).toMatch(/by .* \(.*@example\.com\) from [\d.]+; told by the System Log/);
    expect(newest).toContain("1 log event");
    expect(newest).toContain("user.mfa.factor.reset_all");
    expect(older).toContain("Title: Clerk → Boss");
    expect(older).toContain("user.account.update_profile");
    expect(html).toMatch(/data-copy="log-\d+-0"/);
    expect(html).toContain("Changes since");
  });

  test("marks what has changed about a group of the person, and says if the log tells of nobody", async () => {
    const org = await orgWithJane();
    await org.change("PATCH", "/groups/00gBerlin", { profile: { name: "Paris" } });
    await org.change("POST", "/users/00uJane/suspend?silent=true");
    await sync(CONNECTION);
    const { html } = await visit(page);
    const all = entries(html);
    expect(all.find((entry) => entry.includes("Name: Berlin → Paris"))).toMatch(/Changed Group Paris:/);
    const silent = all.find((entry) => entry.includes("Status: Active → Suspended"));
    expect(silent).toContain("Who did it is not told by the log");
    expect(silent).toMatch(/found by a (full run|search for changes)/);
    expect(silent).not.toContain("Group Paris");
  });

  test("has older changes on further pages, each change once", async () => {
    const org = await orgWithJane();
    for (let n = 1; n <= 25; n++) {
      await org.advance(60_000);
      await org.change("PATCH", "/users/00uJane", { profile: { title: `Title ${n}` } });
      await sync(CONNECTION, "delta");
    }
    const titles: string[] = [];
    let next: string | undefined = page;
    for (let pages = 0; next !== undefined && pages < 5; pages++) {
      const { html } = await visit(next);
      titles.push(...[...html.matchAll(/<bdi>(Title \d+)<\/bdi><\/li>/g)].map(([, title]) => title ?? ""));
      const link = /<a href="([^"]*)" rel="next">Older/.exec(html)?.[1];
      next = link?.replaceAll("&amp;", "&");
    }
    expect(titles).toEqual(Array.from({ length: 25 }, (_, index) => `Title ${25 - index}`));
  }, 120_000);

  test("shows the text of whoever has a hostile name as text", async () => {
    const org = await orgWithJane();
    await org.change("PATCH", "/users/00uJane", { profile: { title: '<img src=x onerror="1">\u202Egnp' } });
    await sync(CONNECTION, "delta");
    const { html } = await visit(page);
    expect(html).toContain("&lt;img src=x");
    expect(html).not.toContain("<img src=x");
    expect(html).not.toContain("\u202E");
  });
});

describe("what changed", () => {
  const shown = async (query: string): Promise<string[]> => {
    const { html } = await visit(`/console/changes/users?${query}`);
    return entries(html).map(
      (entry) => /(?:Created|Changed|Deleted|Restored) (.*?) \|/.exec(entry)?.[1] ?? entry,
    );
  };

  test("is found by what it is about, who did it, the field, the kind and the time", async () => {
    const org = await orgWithJane();
    await org.change("POST", "/users/00uJane/suspend?silent=true");
    await org.change("POST", "/events", {
      eventType: "user.lifecycle.suspend",
      targets: [{ id: "00uJane", type: "User" }],
      actor,
    });
    await org.change("POST", "/users", {
      id: "00uNew",
      status: "ACTIVE",
      profile: { login: "new@acme.test", email: "new@acme.test", firstName: "Nora" },
    });
    await org.change("PATCH", "/groups/00gBerlin", { profile: { name: "Paris" } });
    await sync(CONNECTION, "delta");
    expect(await shown("field=status&q=jane")).toEqual(["Jane"]);
    expect(await shown("by=ADA")).toEqual(["Jane"]);
    expect(await shown("by=ada@acme")).toEqual(["Jane"]);
    expect(await shown("by=nobody-at-all")).toEqual([]);
    expect(await shown("kind=created")).toEqual(["Nora"]);
    expect(await shown("q=paris&field=name")).toEqual(["Group Paris"]);
    expect(await shown("q=00gBerlin&field=name")).toEqual(["Group Paris"]);
    expect((await shown("")).sort()).toEqual(expect.arrayContaining(["Group Paris", "Jane", "Nora"]));
    expect(await shown("from=2100-01-01T00:00")).toEqual([]);
    expect(await shown("to=2000-01-01T00:00")).toEqual([]);
    expect(await shown("from=2000-01-01T00:00&to=2100-01-01T00:00&kind=created")).toEqual(["Nora"]);
  });

  test("of devices has a page of its own", async () => {
    const org = await orgWithJane();
    await sync(CONNECTION, "full", "devices");
    const [device] = (await org.dump()).devices;
    await org.change("PATCH", `/devices/${device?.id}`, { profile: { displayName: "LAPTOP-7" } });
    await sync(CONNECTION, "delta", "devices");
    const { html } = await visit("/console/changes/devices?field=name");
    expect(entries(html)).toEqual([expect.stringContaining("→ LAPTOP-7")]);
    const { html: own } = await visit(`/console/inventory/devices/${device?.id}`);
    expect(entries(own)).toEqual([expect.stringContaining("→ LAPTOP-7")]);
  });

  test("that is asked for wrongly says what is wrong", async () => {
    await orgWithJane();
    for (const [query, what] of [
      ["kind=renamed", "it must be one of created, updated, deleted, restored"],
      ["from=yesterday", "it must be a time"],
      ["to=2026-13-01T00:00", "it must be a time"],
    ]) {
      const { status, text } = await visit(`/console/changes/users?${query}`);
      expect([query, status, text.includes(what ?? "")]).toEqual([query, 400, true]);
    }
  });
});

describe("a look-up for a moment", () => {
  test("answers what was so then, and says what is not known", async () => {
    const org = await orgWithJane();
    await org.change("POST", "/users", {
      id: "00uOld",
      status: "ACTIVE",
      created: "2001-01-01T00:00:00.000Z",
      profile: { login: "old@acme.test", email: "old@acme.test", firstName: "Olga" },
    });
    await sync(CONNECTION, "delta");
    await org.change("POST", "/users/00uOld/suspend");
    await sync(CONNECTION, "delta");
    const { text: is } = await visit("/console/account?account=old%40acme.test");
    expect(is).toContain("Status | Suspended");
    expect(is).toContain("Status: Active → Suspended");
    expect(is).toContain("All changes of this person");
    const then = "/console/account?account=old%40acme.test&at=2002-01-01T00:00";
    const { text: before, html } = await visit(then);
    expect(before).toContain("As of 2002-01-01 00:00:00 UTC");
    expect(before).toContain("Okta was not asked");
    for (const label of ["Status", "MFA enrolled", "Administrator", "Login", "Last login"])
      expect([label, before.includes(`${label} | Unknown`)]).toEqual([label, true]);
    expect(before).toContain("What is not known of then");
    expect(before).toContain("the history does not go back so far");
    expect(before).not.toContain("Active → Suspended");
    expect(html).toContain('name="at" value="2002-01-01T00:00"');
    const { text: earlier } = await visit(then.replace("2002", "2000"));
    expect(earlier).toContain("As far as the inventory knows, there was no account for old@acme.test");
  });

  test("that is none says what one looks like", async () => {
    await orgWithJane();
    for (const at of ["soon", "2100-01-01T00:00"]) {
      const { html } = await visit(`/console/account?account=jane%40acme.test&at=${at}`);
      expect(html).toContain('role="alert"');
    }
  });
});

describe("a history that is not kept", () => {
  const nothing: RecentChanges = { changes: [], next: null, searched_back_to: null, kept_since: null };
  const textWith = async (settings: object, recent: RecentChanges): Promise<string> => {
    const { get, cookieOf } = visitorOf({
      settings: { ...goodSettings, ...settings },
      stream: (_env, connection, stream) => ({
        ...fakeStream(connection, stream),
        recentChanges: async () => recent,
      }),
    });
    return (await get("/console/changes/users?q=x", { Cookie: await cookieOf(fullKey) })).text();
  };

  test("says why", async () => {
    expect(await textWith({ HISTORY_DAYS: "0" }, nothing)).toContain("because HISTORY_DAYS is 0");
    expect(await textWith({}, nothing)).toContain("from the end of the first full run on");
  });

  test("is told apart from one in which nothing matches, or nothing so far", async () => {
    const kept: RecentChanges = { ...nothing, kept_since: "1970-01-01T00:00:00.000Z" };
    expect(await textWith({}, kept)).toContain("Nothing matches.");
    const more = { ...kept, next: "place", searched_back_to: "1970-01-01T00:05:00.000Z" };
    const page = await textWith({}, more);
    expect(page).toContain("Nothing matches so far.");
    expect(page).toContain("Searched back to");
    expect(page).toContain('href="/console/changes/users?q=x&amp;before=place" rel="next"');
  });
});
