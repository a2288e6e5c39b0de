import { ok, type Result } from "../lib/result.ts";
import type { OktaError } from "./errors.ts";

/** Where the headers that authorize a call come from. */
export interface CredentialSource {
  /** The headers that authorize one call. `url` is absolute; a DPoP proof is bound to it and to the method. */
  authorize(call: { method: "GET"; url: string }): Promise<Result<Record<string, string>, OktaError>>;
  /**
   * Okta refused a call that carried these headers of `authorize`. True when another try will end differently:
   * because this caller or another one has got a new credential, or because `authorize` can now say why there is
   * none.
   */
  renew(rejected: Readonly<Record<string, string>>): Promise<boolean>;
  /** Looks at an answer's headers: Okta's clock, a DPoP nonce, a refused proof. */
  observe(headers: Headers): void;
}

/** An API token, as made in Okta's admin console. Only a person can renew it. */
export const sswsCredential = (token: string): CredentialSource => ({
  authorize: async () => ok({ authorization: `SSWS ${token}` }),
  renew: async () => false,
  observe: () => {},
});
