/** The way in. */
import type { FC } from "hono/jsx";
import { BarePage } from "../layout.tsx";

/** Why it is shown: the key was wrong, the session is over, or nothing yet. */
export type SignInReason = "wrong_key" | "too_many" | "expired" | "signed_out" | null;

const reasons: Readonly<Record<NonNullable<SignInReason>, string>> = {
  wrong_key: "This is not one of the keys in API_KEYS.",
  too_many: "Too many wrong keys came from your address. Wait a minute and try again.",
  expired: "Your session is over. Sign in again to go on where you were.",
  signed_out: "You are signed out.",
};

/** @param next path and query of the console to go to */
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
          One of the keys of the setting <code>API_KEYS</code>. A <code>read:</code> key shows everything and
          changes nothing. The session ends after 12 hours.
        </p>
      </form>
    </BarePage>
  );
};
