/** What settings say of the client that asks for access tokens. */
import * as z from "zod";
import type { ClientCredentials } from "./client-credentials.ts";
import { secretName, textLike, urlText } from "./settings-keys.ts";
import type { Resolver } from "./settings-resolver.ts";

/** An OAuth 2.0 client's name, which is no secret. */
export const clientId = textLike(
  /^[\x21-\x7e]{1,256}$/,
  "it must be the client ID, without spaces, for example okta-connector",
);

// RFC 6749, section 3.3.
const scopeText = textLike(
  /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}(?: [\x21\x23-\x5b\x5d-\x7e]{1,1024})*$/,
  "it must be names of scopes, separated by single spaces, for example events.write",
);

const keys = {
  token_url: urlText,
  client_id: clientId,
  client_secret_secret: secretName,
  scope: scopeText.optional(),
};

/** The key `oauth2`. */
export const oauth2Key = z.strictObject(keys, {
  error: ({ code }) =>
    code === "unrecognized_keys"
      ? `there is no such key; known keys are ${Object.keys(keys).join(", ")}`
      : 'it must be an object, for example {"token_url": "https://login.example.com/oauth2/token", "client_id": "okta-connector", "client_secret_secret": "CLIENT_SECRET"}',
});

/** Looks up what the key `oauth2` names. */
export const resolveOauth2 = (
  written: z.output<typeof oauth2Key>,
  resolver: Resolver,
): ClientCredentials => ({
  tokenUrl: resolver.url("oauth2.token_url", written.token_url).href,
  clientId: written.client_id,
  clientSecret: resolver.secret("oauth2.client_secret_secret", written.client_secret_secret, "key"),
  scope: written.scope ?? null,
});

/** What to do about a token that the receiver, or the token endpoint, refuses. */
export const oauth2Remedy =
  "check token_url, client_id, the secret that client_secret_secret names, and what the client may do";
