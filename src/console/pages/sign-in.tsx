/** The sign-in page. */
import type { FC } from "hono/jsx";
import { failureWindowMs } from "../../http/auth/failures.ts";
import { sessionSeconds } from "../../http/auth/session.ts";
import { BarePage } from "../layout.tsx";
import { duration } from "../words.ts";

/** Why the page is shown; null when the visitor has not tried to sign in yet. */
export type SignInReason = "wrong_key" | "too_many" | "expired" | "signed_out" | null;

const reasons: Readonly<Record<NonNullable<SignInReason>, string>> = {
  wrong_key: "This is not one of the keys in API_KEYS.",
  too_many: `Too many wrong keys came from your address. Try again in ${duration(failureWindowMs / 1000)}.`,
  expired: "Your session is over. Sign in again to continue where you were.",
  signed_out: "You are signed out.",
};

/** @param next path and query of the console's page to show after signing in */
export const SignInPage: FC<{ reason: SignInReason; next: string }> = ({ reason, next }) => {
  const isError = reason === "wrong_key" || reason === "too_many";
  return (
    <BarePage title="Okta Edge Connector">
      <form method="post" action="/console/sign-in" class="sign-in">
        {reason !== null && (
          <p id="reason" class={`note ${isError ? "bad" : "mute"}`} role={isError ? "alert" : "status"}>
            {reasons[reason]}
          </p>
        )}
        <input type="hidden" name="next" value={next} />
        <label>
          <span>API key</span>
          <input
            type="password"
            name="key"
            required
            autofocus
            autocomplete="current-password"
            spellcheck={false}
            maxlength={1024}
            {...(isError && { "aria-describedby": "reason", "aria-invalid": "true" })}
          />
        </label>
        <button type="submit" class="main">
          Sign in
        </button>
        <p class="hint">
          One of the keys in the setting <code>API_KEYS</code>. With a <code>read:</code> key you can see
          everything and change nothing. The session ends after {sessionSeconds / 3600} hours.
        </p>
      </form>
    </BarePage>
  );
};
