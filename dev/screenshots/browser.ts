/** A real Chromium: the system's if there is one, else the one from the npm packages (Linux only). */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
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

/** How often the browser from the npm packages is tried, a second apart, while another process unpacks it. */
const UNPACKING_TRIES = 60;

/**
 * Starts the browser from the npm packages. Its first use unpacks it into the system's temporary folder. A process that
 * starts meanwhile finds a file that is still being written.
 */
const launchPackaged = async (triesLeft = UNPACKING_TRIES): Promise<Browser> => {
  try {
    return await chromium.launch({
      executablePath: await chromiumPackage.executablePath(),
      // With a single process, the browser would end together with its first context.
      args: chromiumPackage.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote"),
    });
  } catch (error) {
    if (triesLeft === 0 || !String(error).includes("ETXTBSY")) throw error;
    await setTimeout(1000);
    return launchPackaged(triesLeft - 1);
  }
};

/** Starts a browser; null when there is none. The variable CHROMIUM names one to use instead of those that are found. */
export const launchBrowser = async (): Promise<Browser | null> => {
  const found = systemBrowser();
  try {
    return found === undefined
      ? await launchPackaged()
      : await chromium.launch({ executablePath: found, args: quiet });
  } catch (error) {
    console.error(`No browser can be started: ${String(error).split("\n")[0]}`);
    return null;
  }
};
