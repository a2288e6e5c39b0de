/** A real Chromium: the system's if there is one, else the one from the npm packages (Linux only). */
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

/** Starts a browser; null when there is none. The variable CHROMIUM names one to use instead of those that are found. */
export const launchBrowser = async (): Promise<Browser | null> => {
  const found = systemBrowser();
  try {
    return found === undefined
      ? await chromium.launch({
          executablePath: await chromiumPackage.executablePath(),
          // With a single process, the browser would end together with its first context.
          args: chromiumPackage.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote"),
        })
      : await chromium.launch({ executablePath: found, args: quiet });
  } catch (error) {
    console.error(`No browser can be started: ${String(error).split("\n")[0]}`);
    return null;
  }
};
