/**
 * Takes pictures of every page of a running console, wide and narrow, light and dark:
 * `npx node dev/screenshots/take.ts --url http://localhost:8787 --key KEY --out screenshots`
 * With `--org http://localhost:8790`, the address of the simulated org, also of a connection test in progress.
 * With `--readme`, only the two small ones in the README: `--readme --out docs/images`.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { launchBrowser } from "./browser.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://localhost:8787" },
    key: { type: "string" },
    out: { type: "string", default: "screenshots" },
    account: { type: "string" },
    search: { type: "string", default: "an" },
    only: { type: "string" },
    org: { type: "string" },
    readme: { type: "boolean", default: false },
  },
});

const widths = [1280, 390] as const;
const schemes = ["light", "dark"] as const;

const { key } = values;
if (key === undefined) throw new Error("--key is missing: a key of API_KEYS");

/** The first link in a list, which leads to a user or device. */
const firstOf = async (page: Page, list: string): Promise<string> => {
  await page.goto(`${values.url}${list}`);
  const href = await page.locator("tbody th a").first().getAttribute("href");
  if (href === null) throw new Error(`${list} is empty`);
  return href;
};

const browser = await launchBrowser();
if (browser === null) process.exit(1);
await mkdir(values.out, { recursive: true });
const context = await browser.newContext();
const page = await context.newPage();
await page.goto(`${values.url}/console/sign-in`);

/** What the README shows: page, and light or dark. */
const shown = new Map([
  ["overview", "light"],
  ["account", "dark"],
] as const);

const shootSmall = async (name: string): Promise<void> => {
  const colorScheme = [...shown].find(([page]) => page === name)?.[1];
  if (colorScheme === undefined) return;
  await page.setViewportSize({ width: 1080, height: name === "overview" ? 600 : 560 });
  await page.emulateMedia({ colorScheme });
  await page.screenshot({ path: join(values.out, `console-${name}.png`) });
};

const shoot = async (name: string): Promise<void> => {
  if (values.readme) return shootSmall(name);
  if (values.only !== undefined && !values.only.split(",").includes(name)) return;
  for (const width of widths) {
    for (const colorScheme of schemes) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const path = join(values.out, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
};

await shoot("sign-in");
await page.fill("[name=key]", key);
await page.click("button.main");
await page.waitForURL(`${values.url}/`);
const person = await firstOf(page, "/console/inventory/users?admin=true");
const device = await firstOf(page, "/console/inventory/devices");
const account = values.account ?? decodeURIComponent(person.split("/").at(-1) ?? "");
const pages = {
  overview: "/",
  inventory: "/console/inventory",
  search: `/console/inventory?q=${encodeURIComponent(values.search)}`,
  list: "/console/inventory/users?mfa=not_enrolled",
  person,
  device,
  posture: "/console/posture",
  account: `/console/account?account=${encodeURIComponent(account)}`,
  streams: "/console/streams",
  sinks: "/console/sinks",
  connection: "/console/connection",
};
for (const [name, path] of Object.entries(pages)) {
  await page.goto(`${values.url}${path}`);
  if (name === "connection") {
    await page.click("text=Test connector");
    await page.waitForSelector("#result");
  }
  await shoot(name);
}
if (values.org !== undefined) {
  const faults = `${values.org}/_org/faults`;
  const slowLog = { match: { path: "/api/v1/logs" }, kind: "slow", ms: 9_000 };
  await fetch(faults, { method: "POST", body: JSON.stringify(slowLog) });
  await page.goto(`${values.url}${pages.connection}`);
  await page.click("text=Test connector");
  await page.getByRole("row", { name: "Devices Works" }).waitFor();
  await shoot("testing");
  await fetch(faults, { method: "DELETE" });
}
await browser.close();
console.log(`Pictures are in ${values.out}.`);
