/** What an action has done, told on the page that follows it. Only these can be said: the code is in the URL. */
import type { Context } from "hono";
import type { ConsoleEnv } from "./respond.tsx";

const notices = {
  run_started: "The run has begun.",
  run_on: "A run was on already; it goes on.",
  run_cancelled: "The run is cancelled. Everything it had stored stays.",
  deletions_confirmed: "Confirmed. Each deletion is checked once more and then made.",
  replaying: "The sink starts again from there.",
  retrying: "They are tried once more.",
  dropped: "They are dropped.",
} as const;

export type Notice = keyof typeof notices;

export const noticeOf = (c: Context<ConsoleEnv>): string | null => {
  const code = c.req.query("notice") ?? "";
  return Object.hasOwn(notices, code) ? notices[code as Notice] : null; // its own key, as just checked
};
