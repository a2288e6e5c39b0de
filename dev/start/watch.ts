/** Watching runs, and starting them at their times. */
import type { StreamStatus } from "../../src/contract/status.ts";
import type { Connector, Problems } from "./connector.ts";
import { Failure } from "./failure.ts";
import { duration } from "./numbers.ts";
import { hopeless, isSettled, standing } from "./outcome.ts";

/** The crons in wrangler.toml. */
export const DELTA_CRON = "*/15 * * * *";
export const FULL_CRON = "0 2 * * *";

const POLL_MS = 500;
const QUARTER_MS = 15 * 60_000;
/** Without progress for this long, an impatient watcher gives up. */
const STUCK_AFTER_MS = 5 * 60_000;

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

export const settingLines = (problems: Problems): string =>
  problems.map(({ setting, message }) => `  ${setting}: ${message}`).join("\n");

/** The status of both streams. Throws a Failure that names the wrong settings when there are any. */
export const readStreams = async (connector: Connector) => {
  const answer = await connector.streams();
  if (answer.ok) return answer;
  if (answer.status === 401) throw new Failure("The connector refuses the key from .dev.vars (API_KEYS).");
  if (answer.problems.length === 0) throw new Failure(`GET /v1/streams: ${answer.status} ${answer.detail}`);
  throw new Failure(`A setting is wrong. Fix it and start again:\n\n${settingLines(answer.problems)}`);
};

export interface WatchOptions {
  readonly show?: (streams: readonly StreamStatus[]) => void;
  /** Fail at once when waiting cannot help and a person has to fix something. */
  readonly impatient?: boolean;
}

/** Watches until no run is in progress. */
export const watch = async (
  connector: Connector,
  { show = () => {}, impatient = false }: WatchOptions = {},
): Promise<readonly StreamStatus[]> => {
  let last = "";
  let movedAt = Date.now();
  while (true) {
    const { streams } = await readStreams(connector);
    show(streams);
    if (streams.every(isSettled)) return streams;
    const now = standing(streams);
    if (now !== last) movedAt = Date.now();
    last = now;
    if (impatient) {
      const reason = hopeless(streams);
      if (reason !== null) throw new Failure(reason);
      if (Date.now() - movedAt > STUCK_AFTER_MS) {
        const details = streams.flatMap(({ stream, detail }) =>
          detail === null ? [] : `${stream}: ${detail}`,
        );
        throw new Failure(
          `There has been no progress for ${duration(STUCK_AFTER_MS / 1000)}. ${details.join(" ")}`,
        );
      }
    }
    await sleep(POLL_MS);
  }
};

const runLine = ({ stream, state, last_delta: delta }: StreamStatus): string =>
  `${stream} ${state.replace("_", " ")}${delta === null ? "" : ` (delta run: ${delta.calls.made} calls)`}`;

/** Fires the crons at their times, as Cloudflare does for a deployed connector. Never ends. */
export const keepTime = async (connector: Connector, say: (line: string) => void): Promise<never> => {
  while (true) {
    await sleep(QUARTER_MS - (Date.now() % QUARTER_MS));
    const now = new Date();
    const isNight = now.getUTCHours() === 2 && now.getUTCMinutes() < 15;
    await connector.fireCron(DELTA_CRON);
    if (isNight) await connector.fireCron(FULL_CRON);
    const streams = await watch(connector).catch((error: unknown) => {
      // An edit of the settings may have broken them, and the next one may mend them.
      if (!(error instanceof Failure)) throw error;
      say(error.message);
      return [];
    });
    if (streams.length > 0) say(`${now.toISOString().slice(11, 16)} UTC: ${streams.map(runLine).join(", ")}`);
  }
};
