/** The console in a real Chromium, against the Worker in the real runtime and a simulated org. */
import { readFile } from "node:fs/promises";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { launchBrowser } from "../../dev/screenshots/browser.ts";
import { makeSession, sessionSeconds } from "../../src/http/auth/session.ts";
import { KEY } from "../support/worker-process.ts";
import { hostile, READ_KEY, Stage } from "./stage.ts";

const browser = await launchBrowser();

/** Set by gates that must not pass without having looked. */
const isRequired = process.env["REQUIRE_BROWSER"] === "1";

if (browser === null) {
  test.skipIf(!isRequired)("skipped: no browser", () => {
    throw new Error("REQUIRE_BROWSER is set, and no browser can be had");
  });
} else {
  inBrowser(browser);
}

/** What is read of elements; this side of the wire has no DOM. */
interface Bar {
  readonly value: number;
  getAttribute(name: string): string | null;
}
interface Box {
  readonly validity: { readonly valueMissing: boolean };
}

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/**
 * Runs axe on a document that stands still: nothing moves, nothing is read again meanwhile, nothing is under the
 * pointer. axe takes a while, and what it has looked at early must not change before it is done.
 */
const runAxe = `(async () => {
  const { dataset } = document.body;
  const { refresh } = dataset;
  dataset.refresh = "Infinity";
  try {
    for (let tries = 1; ; tries++) {
      await Promise.all(document.getAnimations().map((animation) => animation.finished));
      let changes = 0;
      const observer = new MutationObserver(() => { changes += 1; });
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      const results = await axe.run(document);
      observer.disconnect();
      if (changes === 0 || tries === 5) return results;
    }
  } finally {
    if (refresh === undefined) delete dataset.refresh;
    else dataset.refresh = refresh;
  }
})()`;

/** What axe finds serious or critical on the page as it stands. */
const seriousOf = async (page: Page): Promise<string[]> => {
  await page.mouse.move(0, 0);
  await page.evaluate(axe.source);
  // The text is a call: nothing of this file reaches the page.
  const { violations } = await page.evaluate<{ violations: Violation[] }>(runAxe);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
};

function inBrowser(chromium: Browser): void {
  let stage: Stage;
  const contexts: BrowserContext[] = [];
  /** What no page may do: break its policy, throw, or ask another host. */
  const wrongs: string[] = [];

  beforeAll(async () => {
    stage = await Stage.open(inject("build"));
    await stage.run("users");
    await stage.run("devices");
    // So that the history has texts of any kind and length, too.
    const { displayName } = hostile;
    await stage.control("PATCH", `/users/${hostile.id}`, { profile: { title: displayName } });
    await stage.control("POST", `/users/${hostile.id}/factors`, { factorType: "push" });
    await stage.run("users", "delta");
    await askAsAgent("find_accounts", { q: "hostile" });
    await askAsAgent("find_accounts", { cursor: "none" });
  });

  /** A call of a tool with the `read:` key. */
  const askAsAgent = async (name: string, given: object): Promise<void> => {
    const response = await fetch(`${stage.url}/mcp`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${READ_KEY}`,
        Accept: "application/json, text/event-stream",
        "Content-Type": "application/json",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name, arguments: given },
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${name}: ${response.status} ${text}`);
  };

  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    expect(wrongs.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await chromium.close();
    await stage?.close();
  });

  const visit = async (options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> => {
    const context = await chromium.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: "reduce",
      ...options,
    });
    contexts.push(context);
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    page.on("request", (request) => {
      const { host } = new URL(request.url());
      if (host !== new URL(stage.url).host && !host.startsWith("localhost:"))
        wrongs.push(`asks ${request.url()}`);
    });
    page.on("pageerror", (error) => wrongs.push(`throws ${error.message}`));
    page.on("console", (message) => {
      if (/Content Security Policy|Content-Security-Policy/i.test(message.text()))
        wrongs.push(message.text());
    });
    return page;
  };

  const signIn = async (page: Page, key: string = KEY, path = "/"): Promise<void> => {
    await page.goto(`${stage.url}${path}`);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    // The script, where there is one, has run by then.
    await page.waitForLoadState("load");
  };

  const streamSection = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

  describe("the way in and out", () => {
    test("a wrong key is refused, a right one leads to the page that was asked for", async () => {
      const page = await visit();
      await page.goto(`${stage.url}/console/sinks`);
      await page.getByLabel("API key").fill("wrong-key-0123456789-0123456789-0123456");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").getByText("not one of the keys").waitFor();
      await page.getByLabel("API key").fill(KEY);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Sinks", level: 1 }).waitFor();
      const [cookie] = await page.context().cookies();
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByText("You are signed out").waitFor();
      await page.goto(`${stage.url}/console/sinks`);
      await page.getByLabel("API key").waitFor();
    });

    test("a session that is over says so, and leads back", async () => {
      const page = await visit();
      const value = await makeSession(KEY, Date.now() - (sessionSeconds + 60) * 1000);
      await page.context().addCookies([{ name: "okta_edge_session", value, url: stage.url }]);
      await page.goto(`${stage.url}/console/streams`);
      await page.getByText("Your session is over").waitFor();
      await page.getByLabel("API key").fill(KEY);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Streams", level: 1 }).waitFor();
    });

    test("a session that ends while the page is open is told without losing the page", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/streams");
      await stage.worker.request("POST", "/v1/streams/devices/runs", { kind: "full" });
      await page.reload();
      await page.evaluate("document.body.dataset.refresh = '300'");
      await page.context().clearCookies();
      await page.getByRole("status").getByText("Your session is over").waitFor();
      await streamSection(page, "Users").waitFor();
      await stage.untilIdle("devices");
    });

    test("a link on another site's page opens for somebody who is signed in", async () => {
      const page = await visit();
      await signIn(page);
      const to = `${stage.url}/console/account?account=hostile%40example.com`;
      await page.goto(`${stage.foreignUrl}/?to=${encodeURIComponent(to)}`);
      await page.getByRole("link").click();
      await page.getByRole("region", { name: /<img/ }).waitFor();
    });

    test("a read: key sees everything and has nothing to act with", async () => {
      const page = await visit();
      await signIn(page, READ_KEY, "/console/streams");
      await page.getByText("Read only").waitFor();
      for (const path of ["/console/streams", "/console/sinks", "/console/connection"]) {
        await page.goto(`${stage.url}${path}`);
        expect(await page.locator("main form[method=post]").count()).toBe(0);
      }
      const status = await page.evaluate(
        "fetch('/console/streams/users/run', {method: 'POST', body: new URLSearchParams({kind: 'full'})}).then((r) => r.status)",
      );
      expect(status).toBe(403);
    });
  });

  describe("the connection", () => {
    test("is tested, capability by capability, and a failing candidate says what to do", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/connection");
      await page.getByRole("button", { name: "Test connector" }).click();
      const result = page.locator("#result");
      await result.getByText("The connection works.").waitFor();
      for (const name of ["Users", "Groups", "MFA factors", "Admin roles", "Devices", "System Log"]) {
        await result.getByRole("row", { name: new RegExp(`^${name} Works .* ms`) }).waitFor();
      }
      await page.getByLabel("Base URL").fill(stage.orgUrl);
      await page.getByLabel("API token").fill("not-a-token-of-this-org");
      await page.getByRole("button", { name: "Test these" }).click();
      await result.getByText("The candidate does not work").waitFor();
      await result.getByRole("row", { name: /^Users Fails/ }).waitFor();
      expect(await result.locator(".remedy").count()).toBeGreaterThan(0);
      expect(await page.content()).not.toContain("not-a-token-of-this-org");
      expect(await seriousOf(page)).toEqual([]);
      await page.getByLabel("Base URL").fill("https://evil.example.com");
      await page.getByRole("button", { name: "Test these" }).click();
      await result.getByRole("alert").getByText("base_url").waitFor();
    });
  });

  describe("a test of the connection that goes on", () => {
    const rowOf = (page: Page, name: string) => page.locator("#result").getByRole("row", { name });

    test("shows the first verdicts while the slowest check is tried, and then that one", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/connection");
      const release = stage.hold("/api/v1/logs");
      const button = page.getByRole("button", { name: "Test connector" });
      await button.click();
      for (const name of ["Users", "Groups", "MFA factors", "Admin roles", "Devices", "Sink siem"]) {
        await rowOf(page, `${name} Works`).waitFor();
      }
      expect(await rowOf(page, "System Log").textContent()).toBe("System LogTesting…");
      const status = page.locator("#result").getByRole("status");
      expect(await status.textContent()).toBe("The connection is being tested…");
      expect(await page.locator("form[aria-busy=true]").count()).toBe(1);
      expect(await seriousOf(page)).toEqual([]);
      release();
      await rowOf(page, "System Log Works").waitFor();
      await status.getByText("The connection works.").waitFor();
      await page.locator("#result:focus").waitFor();
      await page.locator("form[aria-busy]").waitFor({ state: "detached" });
      expect(await page.getByText("Testing…").count()).toBe(0);
      // Once more, with the same button.
      await button.click();
      await status.getByText("The connection works.").waitFor();
    });

    test("of a candidate leaves what was typed, and takes the place of one that is on", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/connection");
      const release = stage.hold("/api/v1/logs");
      await page.getByRole("button", { name: "Test connector" }).click();
      await rowOf(page, "Users Works").waitFor();
      await page.getByLabel("Base URL").fill(stage.orgUrl);
      await page.getByLabel("API token").fill("sim-token");
      await page.getByRole("button", { name: "Test these" }).click();
      const status = page.locator("#result").getByRole("status");
      await status.getByText("The candidate is being tested…").waitFor();
      await rowOf(page, "Devices Works").waitFor();
      expect(await rowOf(page, "System Log").textContent()).toBe("System LogTesting…");
      expect(await page.locator("#result").count()).toBe(1);
      expect(await page.getByLabel("API token").inputValue()).toBe("sim-token");
      release();
      await status.getByText("The candidate works.").waitFor();
      await rowOf(page, "System Log Works").waitFor();
      await page.locator("form[aria-busy]").waitFor({ state: "detached" });
      expect(await page.getByText("The connection").count()).toBe(0);
    });

    test("that is cut off says so, keeps what was found, and can be done again", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/connection");
      const release = stage.hold("/api/v1/logs");
      const button = page.getByRole("button", { name: "Test connector" });
      await button.click();
      await rowOf(page, "Devices Works").waitFor();
      await stage.worker.kill();
      release();
      const status = page.locator("#result").getByRole("status");
      await status.getByText("The test was cut off").waitFor();
      expect(await rowOf(page, "System Log").textContent()).toBe("System LogUnknown");
      await rowOf(page, "Users Works").waitFor();
      await page.locator("form[aria-busy]").waitFor({ state: "detached" });
      expect(await seriousOf(page)).toEqual([]);
      await button.click();
      await page.locator("#said").getByText("does not answer").waitFor();
      await stage.worker.start();
      await button.click();
      await status.getByText("The connection works.").waitFor();
      await rowOf(page, "System Log Works").waitFor();
    });

    test("whose session is over leads to signing in", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/connection");
      await page.context().clearCookies();
      await page.getByRole("button", { name: "Test connector" }).click();
      await page.getByText("Your session is over").waitFor();
      await page.getByLabel("API key").fill(KEY);
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Test connector" }).waitFor();
    });
  });

  describe("streams", () => {
    test("a run is started, watched from its start to its end, and is in the history", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/streams");
      const release = { groups: stage.hold("/api/v1/groups"), users: stage.hold("/api/v1/users") };
      const users = streamSection(page, "Users");
      await users
        .locator("details")
        .first()
        .evaluate((details: { open: boolean }) => {
          details.open = true;
        });
      const before = await users.getByRole("table").getByRole("row").count();
      await users.getByRole("button", { name: /^Run full/ }).click();
      await page.locator("main > .note").getByText("The run has started").waitFor();
      const barIn = (phase: string) =>
        users.getByRole("progressbar", { name: `Full run of users: ${phase}` });
      const valueIn = (phase: string) => barIn(phase).evaluate((bar: Bar) => bar.value);
      await barIn("reading groups").waitFor();
      const early = await valueIn("reading groups");
      expect(await seriousOf(page)).toEqual([]);
      release.groups();
      await barIn("reading users").waitFor();
      expect(await valueIn("reading users")).toBeGreaterThanOrEqual(early);
      release.users();
      await users.getByRole("progressbar").waitFor({ state: "detached" });
      await users.getByText("Up to date").waitFor();
      // What was folded open stays open while the page is read again.
      expect(await users.getByRole("table").getByRole("row").count()).toBe(before + 1);
    });

    test("a run is cancelled", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/streams");
      const release = stage.hold("/api/v1/groups");
      const users = streamSection(page, "Users");
      await users.getByRole("button", { name: /^Run full/ }).click();
      await users.getByRole("button", { name: /^Cancel full run/ }).click();
      await page.locator("main > .note").getByText("The run is cancelled").waitFor();
      release();
      await users.getByRole("button", { name: /^Run full/ }).waitFor();
    });

    test("held-back deletions wait for a person's word, and then go on", async () => {
      const page = await visit();
      const gone = stage.org.dump().devices.slice(0, 10);
      // Gone without a word in the log: that they are deleted is a guess.
      for (const { id } of gone) {
        await stage.control("POST", `/devices/${id}/deactivate?silent=true`);
        await stage.control("POST", `/devices/${id}/delete?silent=true`);
      }
      await stage.run("devices");
      await signIn(page);
      await page.getByRole("link", { name: "10 deletions of devices wait for your confirmation" }).click();
      const devices = streamSection(page, "Devices");
      const confirm = devices.getByRole("button", { name: "Confirm 10 deletions" });
      expect(await seriousOf(page)).toEqual([]);

      await devices.getByRole("link", { name: "Look at them first" }).click();
      await page.getByText("10 devices are missing from Okta's list of 25 that were known").waitFor();
      expect(await seriousOf(page)).toEqual([]);
      const [one] = gone;
      await page.getByRole("link", { name: String(one?.profile["displayName"]) }).waitFor();
      await page.getByRole("searchbox", { name: "held deletions" }).fill(one?.id ?? "");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Devices whose deletion is held" }).waitFor();
      expect(await page.getByRole("row").count()).toBe(2);

      await page.goto(`${stage.url}/console/streams`);
      await confirm.click();
      // Not without the box: the browser says so.
      expect(await devices.locator("[name=sure]").evaluate((box: Box) => box.validity.valueMissing)).toBe(
        true,
      );
      await devices.getByLabel("They are really gone from the org").check();
      await confirm.click();
      await page.locator("main > .note").getByText("Confirmed").waitFor();
      await confirm.waitFor({ state: "detached" });
      await devices.getByText("15 devices").first().waitFor();
      await page.goto(`${stage.url}/console/inventory/devices?deleted=true`);
      expect(await page.getByRole("row").count()).toBe(11);
    });
  });

  describe("the inventory", () => {
    test("totals lead to the lists behind them", async () => {
      const page = await visit();
      await signIn(page);
      const dump = stage.org.dump();
      const suspended = dump.users.filter(({ status }) => status === "SUSPENDED").length;
      await page.getByRole("link", { name: new RegExp(`^Suspended ${suspended}`) }).click();
      await page.getByRole("heading", { name: "Users that are suspended" }).waitFor();
      expect(await page.getByRole("row").count()).toBe(suspended + 1);
    });

    test("a hostile name is text, on every page that shows it", async () => {
      const page = await visit();
      await signIn(page);
      await page.keyboard.press("/");
      await page.keyboard.type("hostile");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=hostile/);
      const link = page.getByRole("rowheader").getByRole("link");
      expect(await link.textContent()).toContain("<img src=x onerror=");
      expect(await link.locator("bdi").count()).toBe(1);
      await link.click();
      await page.getByRole("heading", { level: 1, name: /<img/ }).locator("bdi").waitFor();
      expect(await page.title()).toContain("<img");
      // What would turn gnp.exe into exe.png is shown by its code, in the event too.
      expect(await page.content()).not.toContain("\u202E");
      await page.getByText("⟨U+202E⟩gnp.exe").first().waitFor();
      expect(await page.locator("#event-ocsf-json").textContent()).toContain("\\u202egnp.exe");
      expect(await page.getByText("long long").count()).toBeGreaterThan(0);
      await page.goto(`${stage.url}/console/account?account=hostile%40example.com`);
      await page.getByRole("region", { name: /<img/ }).waitFor();
      for (const width of [360, 3840]) {
        await page.setViewportSize({ width, height: 900 });
        const overflows = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
        expect([width, overflows]).toEqual([width, false]);
      }
      expect(await page.evaluate("document.body.dataset.owned ?? null")).toBeNull();
      expect(await page.locator("img").count()).toBe(0);
    });

    test("a person and a device show each other, their facts' ages and both events", async () => {
      const page = await visit();
      await stage.run("devices");
      await signIn(page);
      const device = stage.org.dump().devices.find(({ users }) => users.length > 0);
      if (device === undefined) throw new Error("no device with people");
      await page.goto(`${stage.url}/console/inventory/devices/${device.id}`);
      await page.getByRole("region", { name: "People", exact: true }).getByRole("link").first().click();
      await page.getByRole("region", { name: "Devices", exact: true }).getByRole("link").first().waitFor();
      await page.getByRole("region", { name: "MFA factors" }).getByText(/^read/).waitFor();
      for (const [dialect, key] of [
        ["Sekoia.io", "last_logon"],
        ["OCSF 1.6.0", "category_uid"],
      ] as const) {
        await page.getByText(dialect, { exact: true }).click();
        await page
          .getByRole("region", { name: `Event in the ${dialect} dialect` })
          .getByText(key)
          .waitFor();
      }
      const download = page.waitForEvent("download");
      await page.getByRole("link", { name: "Download" }).last().click();
      const path = await (await download).path();
      expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ class_uid: 5003 });
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("button", { name: "Copy" }).first().click();
      const copied = await page.evaluate<string>("navigator.clipboard.readText()");
      expect(JSON.parse(copied)).toMatchObject({ user: { uid: expect.any(String) } });
    });
  });

  describe("account look-up", () => {
    test("answers by keyboard alone, with the verdict and its rule, at an address that can be shared", async () => {
      const page = await visit();
      const suspended = stage.org.dump().users.find(({ status }) => status === "SUSPENDED");
      const login = String(suspended?.profile["login"]);
      await signIn(page, KEY, "/console/account");
      await page.locator("main [name=account]:focus").waitFor();
      await page.keyboard.type(login);
      await page.keyboard.press("Enter");
      const answer = page.locator("#answer");
      await answer.getByText("Suspicious", { exact: true }).waitFor();
      await answer.getByText("conditions[0]").waitFor();
      await answer.getByText("Live", { exact: true }).waitFor();
      const shared = page.url();
      expect(new URL(shared).searchParams.get("account")).toBe(login);
      await page.goto(shared);
      await answer.getByText("Cached", { exact: true }).waitFor();
      await page.goto(`${stage.url}/console/account?account=nobody%40example.com`);
      await page.getByRole("heading", { name: "No such account" }).waitFor();
      for (const wrong of ["a\u202eb", "..", "me"]) {
        await page.goto(`${stage.url}/console/account?account=${encodeURIComponent(wrong)}`);
        await page.getByRole("alert").waitFor();
      }
    });
  });

  describe("the history", () => {
    test("of a person says who did what, and a log event's uuid can be copied", async () => {
      const page = await visit();
      const user = stage.org.dump().users.find(({ status }) => status === "SUSPENDED");
      if (user === undefined) throw new Error("nobody is suspended");
      await stage.control("POST", `/users/${user.id}/unsuspend`);
      await stage.run("users", "delta");
      await stage.control("POST", `/users/${user.id}/suspend`);
      await stage.run("users", "delta");
      await signIn(page, KEY, `/console/inventory/users/${user.id}`);
      const verdict = page.getByRole("region", { name: "Verdict", exact: true });
      await verdict.getByText("Suspicious", { exact: true }).waitFor();
      await verdict.getByText("conditions[0]").waitFor();
      const timeline = page.getByRole("region", { name: "What changed", exact: true });
      const newest = timeline.locator(".change").first();
      await newest.getByText("Status: Active → Suspended").waitFor();
      await newest.getByText(/^by .* from [\d.]+; told by the System Log$/).waitFor();
      await newest.getByText("1 log event").click();
      await newest.getByText("user.lifecycle.suspend").waitFor();
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await newest.getByRole("button", { name: "Copy" }).click();
      await page.getByText("Copied.").waitFor();
      const copied = await page.evaluate<string>("navigator.clipboard.readText()");
      expect(await newest.locator("code").allTextContents()).toContain(copied);
      expect(await seriousOf(page)).toEqual([]);
    });

    test("of a stream is filtered without script, at an address that can be shared", async () => {
      const page = await visit({ javaScriptEnabled: false });
      await signIn(page);
      await page.getByRole("link", { name: "Changes", exact: true }).click();
      await page.locator("[name=field]").selectOption("MFA factors");
      await page.getByLabel("Name or id").fill(hostile.id);
      await page.getByLabel("From (UTC)").fill("2020-01-01T00:00");
      await page.keyboard.press("Enter");
      await page.waitForURL(/field=mfa/);
      expect(await page.locator(".change").count()).toBe(1);
      await page.getByText("added push").waitFor();
      expect(await page.getByLabel("From (UTC)").inputValue()).toBe("2020-01-01T00:00");
      await page.getByLabel("By: name or login").fill("nobody-at-all");
      await page.keyboard.press("Enter");
      await page.getByText("Nothing matches.").waitFor();
      await page.getByRole("link", { name: "Devices", exact: true }).click();
      await page.waitForURL(/changes\/devices/);
    });

    test("answers who an account was, and what it cannot tell", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/account");
      await page.locator("main [name=account]").fill("hostile@example.com");
      await page.getByLabel("As of (UTC), empty for now").fill("2026-01-01T00:00");
      await page.keyboard.press("Enter");
      await page.waitForURL(/at=2026-01-01T00%3A00/);
      const answer = page.locator("#answer");
      await answer.waitFor();
      expect(await seriousOf(page)).toEqual([]);
      await page.getByLabel("As of (UTC), empty for now").fill("");
      await page.getByRole("button", { name: "Look up" }).click();
      await page.getByRole("region", { name: "What changed", exact: true }).getByText("added push").waitFor();
      await page.getByRole("link", { name: "All changes of this person" }).click();
      await page.waitForURL(new RegExp(`users/${hostile.id}#history$`));
    });
  });

  describe("posture", () => {
    test("leads to the list of a check and to its CSV, without script, by keyboard", async () => {
      const page = await visit({ javaScriptEnabled: false });
      await signIn(page);
      await page.getByRole("link", { name: "Posture", exact: true }).click();
      const finding = page
        .getByRole("listitem")
        .filter({ has: page.getByRole("heading", { name: "Active users without MFA" }) });
      await finding.getByText("High severity").waitFor();
      await finding.getByText("Nobody is excepted at present by this exception:").waitFor();
      await finding.getByText("<img src=x onerror=").waitFor();
      const words = (await finding.locator("p").first().textContent()) ?? "";
      const [, count, population] = /^(\d+) of (\d+) active users$/.exec(words) ?? [];
      expect(Number(count)).toBeGreaterThan(0);
      const active = stage.org.dump().users.filter(({ status }) => status === "ACTIVE");
      expect(Number(population)).toBe(active.length);
      const download = page.waitForEvent("download");
      await finding.getByRole("link", { name: "Download as CSV" }).press("Enter");
      const file = await download;
      expect(file.suggestedFilename()).toBe("okta-users-active_without_mfa.csv");
      const lines = (await readFile(await file.path(), "utf8")).trimEnd().split("\r\n");
      expect(lines.length).toBe(Number(count) + 1);
      await finding.getByRole("link", { name: `Show ${count} active users` }).press("Enter");
      await page.getByRole("heading", { name: "Active users without MFA", level: 1 }).waitFor();
      await page.getByText(`${count} matches`).waitFor();
      await page.getByRole("link", { name: "Remove: Active users without MFA" }).press("Enter");
      await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    });

    test("reads in forced colours", async () => {
      const page = await visit({ forcedColors: "active" });
      await signIn(page, KEY, "/console/posture");
      expect(await seriousOf(page)).toEqual([]);
    });
  });

  describe("agents", () => {
    test("are shown with what they have called, by tool and key and day by day, without script", async () => {
      const page = await visit({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } });
      await signIn(page, KEY, "/console/connection");
      const agents = page.getByRole("region", { name: "Agents", exact: true });
      // Calls are counted a moment after their answers.
      await expect
        .poll(
          async () => {
            await page.reload();
            return agents.getByRole("row", { name: "find_accounts 1 1 0 API_KEYS[1] Read only" }).count();
          },
          { timeout: 30_000 },
        )
        .toBe(1);
      await agents.getByText("Day by day").click();
      await agents.getByRole("row", { name: /2 1 1 0 API_KEYS\[1\]$/ }).waitFor();
    });

    test("read well with the days unfolded, on a desktop and on a phone", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/connection");
      await page.getByText("Day by day").click();
      await page.getByRole("region", { name: "Calls day by day" }).waitFor();
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        expect([width, await seriousOf(page)]).toEqual([width, []]);
        const overflows = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
        expect([width, overflows]).toEqual([width, false]);
      }
    });
  });

  describe("sinks", () => {
    test("a dead letter is shown with what the sink said, retried, and gone", async () => {
      const page = await visit();
      const [user] = stage.org.dump().users.filter(({ status }) => status === "ACTIVE");
      if (user === undefined) throw new Error("no active user");
      stage.receiver.refusing = [user.id];
      await stage.control("PATCH", `/users/${user.id}`, { profile: { title: "Refused" } });
      await stage.run("users", "delta");
      await signIn(page, KEY, "/console/sinks");
      const users = page.getByRole("region", { name: "Users", exact: true });
      await users.getByRole("heading", { name: "1 dead letter" }).waitFor();
      await users.getByText("this event is not welcome").first().waitFor();
      expect(await seriousOf(page)).toEqual([]);
      stage.receiver.refusing = [];
      await users.getByRole("button", { name: `Retry: ${user.id}` }).click();
      await users.getByRole("heading", { name: "1 dead letter" }).waitFor({ state: "detached" });
      await users.getByText("Send again").first().click();
      await users.getByRole("button", { name: "Send again" }).click();
      await page.locator("main > .note").getByText("sends again from that sequence number").waitFor();
    });
  });

  describe("whatever happens", () => {
    test("the page lives through a restart of the Worker without being loaded again", async () => {
      const page = await visit();
      await signIn(page, KEY, "/console/streams");
      await page.evaluate("document.body.dataset.refresh = '300'; window.sameDocument = true");
      await stage.worker.kill();
      await page.locator("#said").getByText("does not answer").waitFor();
      await stage.worker.start();
      await page.locator("#said").getByText("does not answer").waitFor({ state: "detached" });
      const release = stage.hold("/api/v1/groups");
      await page.evaluate("document.body.dataset.refresh = '300'");
      await stage.worker.request("POST", "/v1/streams/users/runs", { kind: "full" });
      await streamSection(page, "Users").getByRole("progressbar").waitFor();
      release();
      expect(await page.evaluate("window.sameDocument")).toBe(true);
      await stage.untilIdle("users");
    });

    test("without script it reads and acts all the same", async () => {
      const page = await visit({ javaScriptEnabled: false });
      await signIn(page, KEY, "/console/streams");
      await streamSection(page, "Devices")
        .getByRole("button", { name: /^Run delta/ })
        .click();
      await page.getByText("The run has started").waitFor();
      await page.getByRole("link", { name: "Inventory" }).click();
      await page.getByRole("main").getByRole("searchbox").fill("example");
      await page.getByRole("main").getByRole("searchbox").press("Enter");
      await page.getByRole("region", { name: "People", exact: true }).getByRole("row").nth(1).waitFor();
      await page.getByRole("link", { name: "Connection" }).click();
      await page.getByRole("button", { name: "Test connector" }).click();
      await page.getByText("The connection works.").waitFor();
      await stage.untilIdle("devices");
    });

    test("times are told in the viewer's zone, the exact one on hover", async () => {
      const page = await visit({ timezoneId: "Asia/Kolkata", locale: "en-GB" });
      await signIn(page, KEY, `/console/inventory/users/${hostile.id}`);
      const time = page
        .getByRole("region", { name: "Person", exact: true })
        .locator("time[data-time=clock]")
        .first();
      await page.locator("time[title*='(']").first().waitFor();
      const iso = (await time.getAttribute("datetime")) ?? "";
      const shown = (await time.textContent()) ?? "";
      const expected = new Intl.DateTimeFormat("en-GB", {
        dateStyle: "medium",
        timeStyle: "medium",
        timeZone: "Asia/Kolkata",
      }).format(new Date(iso));
      expect(shown.replaceAll("\u202f", " ")).toBe(expected.replaceAll("\u202f", " "));
      expect(await time.getAttribute("title")).toContain(iso);
    });

    test("a page or an id that is not there, and a connection that is not configured, say so", async () => {
      const page = await visit();
      await signIn(page);
      for (const path of [
        "/console/nothing",
        "/console/inventory/users/00uNobody",
        "/console/inventory/cars",
      ]) {
        const response = await page.goto(`${stage.url}${path}`);
        expect([path, response?.status()]).toEqual([path, 404]);
        await page.getByRole("alert").waitFor();
      }
      await page.goto(`${stage.url}/console/streams?connection=other`);
      await page.getByRole("alert").getByText("no such connection").waitFor();
    });

    test("the first load is small, from this host alone, and quick", async () => {
      const page = await visit();
      await signIn(page);
      const client = await page.context().newCDPSession(page);
      await client.send("Network.enable");
      await client.send("Network.setCacheDisabled", { cacheDisabled: true });
      let bytes = 0;
      client.on("Network.loadingFinished", ({ encodedDataLength }) => {
        bytes += encodedDataLength;
      });
      await page.goto(stage.url, { waitUntil: "load" });
      const ready = await page.evaluate<number>(
        "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd",
      );
      console.log(`first load: ${(bytes / 1000).toFixed(1)} kB, usable after ${Math.round(ready)} ms`);
      expect(bytes).toBeGreaterThan(5_000);
      expect(bytes).toBeLessThan(60_000);
    });

    const pages = [
      "/",
      "/console/inventory",
      "/console/inventory?q=a",
      "/console/inventory/users?mfa=not_enrolled",
      "/console/inventory/devices",
      "/console/inventory/users?posture=active_without_mfa&status=ACTIVE&sort=name",
      "/console/posture",
      `/console/inventory/users/${hostile.id}`,
      "/console/account",
      "/console/account?account=hostile%40example.com",
      "/console/changes/users",
      `/console/changes/users?q=${hostile.id}&field=work&from=2020-01-01T00:00`,
      "/console/changes/devices?by=nobody",
      "/console/streams",
      "/console/sinks",
      "/console/connection",
      "/console/nothing",
    ];
    test.each(["light", "dark"] as const)(
      "axe finds nothing serious on any page (%s)",
      async (colorScheme) => {
        const page = await visit({ colorScheme });
        await page.goto(`${stage.url}/console/sign-in`);
        expect(await seriousOf(page)).toEqual([]);
        await signIn(page);
        for (const path of pages) {
          for (const width of [1280, 360]) {
            await page.setViewportSize({ width, height: 800 });
            await page.goto(`${stage.url}${path}`);
            // A page that turned dark while axe looks would be judged by colours of both.
            await page.waitForFunction(`matchMedia("(prefers-color-scheme: ${colorScheme})").matches`);
            expect([path, width, await seriousOf(page)]).toEqual([path, width, []]);
            const overflows = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
            expect([path, width, overflows]).toEqual([path, width, false]);
          }
        }
      },
      // Ten seconds on a quiet machine; a page that hangs is given up much sooner.
      300_000,
    );
  });
}
