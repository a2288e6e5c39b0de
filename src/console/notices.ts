/** What an action has done, shown on the page after it. The URL holds only a code, so it can show no other text. */
import type { Context } from "hono";
import type { ConsoleEnv } from "./respond.tsx";

const notices = {
  run_started: "The run has started.",
  run_on: "A run was already in progress, and it continues.",
  run_cancelled: "The run is cancelled. Everything it has already stored stays.",
  deletions_confirmed:
    "Confirmed. Each asset is looked for once more, and marked deleted if it is gone. The run says how many were.",
  reset: "The former inventory is forgotten, and the first run has started.",
  replaying: "The sink sends again from that sequence number.",
  retrying: "The dead letters will be sent once more.",
  purging: "What is stored of the connection is being deleted.",
  dropped: "The dead letters are dropped.",
} as const;

export type Notice = keyof typeof notices;

/** The notice that the address asks for, if any. */
export const noticeOf = (c: Context<ConsoleEnv>): string | null => {
  const code = c.req.query("notice") ?? "";
  return Object.hasOwn(notices, code) ? notices[code as Notice] : null; // its own key, as just checked
};
