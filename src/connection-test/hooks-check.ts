/** Whether event hooks come. It is known from those that have come, so it costs no call. Pure. */
import type { Check } from "./document.ts";
import { type Finding, pass, unknown } from "./finding.ts";

/** What is known of a connection's event hooks. */
export interface KnownHooks {
  /** Whether the connection has a hook secret. */
  readonly hasSecret: boolean;
  /** The name of the setting that holds it, such as OKTA_HOOK_SECRET. */
  readonly setting: string;
  /** When the last one came, ISO 8601; null if none has, or if that could not be asked. */
  readonly lastAt: string | null;
}

const finding = ({ hasSecret, setting, lastAt }: KnownHooks): Finding => {
  if (lastAt !== null) {
    return hasSecret
      ? pass(`Event hooks come; the last one at ${lastAt}.`)
      : unknown(
          `Event hooks came until ${lastAt}, but ${setting} is not set any more, so they are refused.`,
          `Set ${setting} to what the hook in Okta sends as Authorization.`,
        );
  }
  const register =
    "register GET and POST /v1/hooks/okta of this Worker in Okta under Workflow > Event Hooks, with that secret as the " +
    "value of the field Authorization. The README lists the events to subscribe to.";
  return unknown(
    "No event hook has come yet, so changes arrive within 15 minutes rather than within seconds.",
    hasSecret
      ? `If you want them: ${register}`
      : `If you want them: store a secret of at least 32 characters as ${setting}, and ${register}`,
  );
};

/** The check `hooks`. It never fails: without event hooks everything works, only later. */
export const hooksCheck = (known: KnownHooks): Check => ({
  name: "hooks",
  ...finding(known),
  http_status: null,
  okta_error_code: null,
  latency_ms: null,
  rate_limit: null,
});
