/** A real Chromium: the system's where there is one, else the one that comes with the npm packages (Linux). */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import chromiumPackage from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const places = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  "/Applications/Google Chrome.app/Contents/MacOS",
];

const systemBrowser = (): string | undefined =>
  process.env["CHROMIUM"] ??
  places.flatMap((folder) => [...names, "Google Chrome"].map((name) => join(folder, name))).find(existsSync);

const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];

/** Null where no browser can be had. CHROMIUM names one to use instead of those that would be found. */
export const launchBrowser = async (): Promise<Browser | null> => {
  const found = systemBrowser();
  try {
    return found === undefined
      ? await chromium.launch({
          executablePath: await chromiumPackage.executablePath(),
          // In one process the browser would end with its first context.
          args: chromiumPackage.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote"),
        })
      : await chromium.launch({ executablePath: found, args: quiet });
  } catch (error) {
    console.error(`No browser can be started: ${String(error).split("\n")[0]}`);
    return null;
  }
};
