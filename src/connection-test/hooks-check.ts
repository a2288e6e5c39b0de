/** Whether event hooks come. It is known from those that have come, so it costs no call. Pure. */
import type { Check } from "./document.ts";
import { type Finding, pass, unknown } from "./finding.ts";

/** What is known of a connection's event hooks. */
export interface KnownHooks {
  /** The connection's hook secret. An invalid one is of no use. */
  readonly secret: "valid" | "invalid" | "unset";
  /** The name of the setting that holds it, such as OKTA_HOOK_SECRET. */
  readonly setting: string;
  /**
   * When the last one came, ISO 8601. Or `none` has come, or that is `not_known`, because a stream did not answer, or
   * the connection is `not_stored`.
   */
  readonly last: { readonly at: string } | "none" | "not_known" | "not_stored";
}

/** What to do so that hooks come. */
const register = ({ secret, setting }: KnownHooks): string => {
  const rest =
    "register GET and POST /v1/hooks/okta of this Worker in Okta under Workflow > Event Hooks, with that secret as the " +
    "value of the field Authorization. docs/event-hooks.md lists the events to subscribe to.";
  switch (secret) {
    case "valid":
      return `If you want them: ${rest}`;
    case "invalid":
      return `Correct ${setting}, and ${rest}`;
    case "unset":
      return `If you want them: store a secret of at least 32 characters as ${setting}, and ${rest}`;
  }
};

const finding = (known: KnownHooks): Finding => {
  const { secret, setting, last } = known;
  switch (last) {
    case "not_stored":
      return unknown("Event hooks come for stored settings only, and these are not stored.", register(known));
    case "not_known":
      return unknown(
        "It is not known whether event hooks come: the inventory did not answer.",
        "Test once more.",
      );
    case "none":
      return unknown(
        "No event hook has come yet, so changes arrive within 15 minutes rather than within seconds.",
        register(known),
      );
    default:
      return secret === "valid"
        ? pass(`Event hooks come; the last one at ${last.at}.`)
        : unknown(
            `Event hooks came until ${last.at}, but ${setting} is ${secret === "unset" ? "not set any more" : "invalid"}, ` +
              "so they are refused.",
            `Set ${setting} to what the hook in Okta sends as Authorization.`,
          );
  }
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
