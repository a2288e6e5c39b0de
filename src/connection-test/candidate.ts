/** A credential that a request brings to be tried before it is stored, read by the rules of the settings. */
import { type BaseUrlRules, parseBaseUrl } from "../config/base-url.ts";
import { readCredential } from "../config/credential.ts";
import type { Connection, Credential } from "../config/types.ts";
import { err, ok, type Result } from "../lib/result.ts";

/** The parts of the body; all optional. */
export interface CandidateBody {
  readonly base_url?: string | undefined;
  readonly api_token?: string | undefined;
  readonly client_id?: string | undefined;
  readonly private_key?: string | Readonly<Record<string, unknown>> | undefined;
  readonly key_id?: string | undefined;
}

export interface Candidate {
  readonly baseUrl: string;
  readonly credential: Credential;
}

/** What is wrong with a part of the body, without its value. */
export interface CandidateProblem {
  readonly field: string;
  readonly message: string;
}

const credentialFields = ["api_token", "client_id", "private_key", "key_id"] as const;

const settingName = (field: string): string => `OKTA_${field.toUpperCase()}`;

/** A text about settings, with the names of the body's fields instead. */
const asField = (text: string): string =>
  text.replaceAll(/OKTA_(API_TOKEN|CLIENT_ID|PRIVATE_KEY|KEY_ID)/g, (_, name: string) => name.toLowerCase());

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/**
 * Reads a candidate.
 *
 * A base URL without a credential is refused unless it is the stored one. Otherwise whoever has a key to this API
 * could have the stored credential sent to an org of their own.
 *
 * @param stored the connection whose base URL is taken when the body has none; null when it is not configured
 * @returns null when the stored connection is to be tested
 */
export const readCandidate = (
  body: CandidateBody,
  config: { readonly baseUrlRules: BaseUrlRules },
  stored: Pick<Connection, "baseUrl"> | null,
): Result<Candidate | null, readonly CandidateProblem[]> => {
  const given = credentialFields.filter((field) => body[field] !== undefined);
  if (given.length === 0) {
    if (body.base_url === undefined) return ok(null);
    const url = parseBaseUrl(body.base_url, config.baseUrlRules);
    if (url.ok && url.value === stored?.baseUrl) return ok(null);
    const message =
      "it is missing: the stored credential is not sent to another base URL; give the token to test with it";
    return err([{ field: "body.api_token", message }]);
  }
  const problems: CandidateProblem[] = [];
  const credential = readCredential(
    Object.fromEntries(given.map((field) => [settingName(field), body[field]])),
    "OKTA_",
  );
  if (!credential.ok) {
    for (const { setting, message } of credential.problems) {
      const text = asField(message).replace(/\.$/, "");
      problems.push({ field: `body.${asField(setting)}`, message: lowerFirst(text) });
    }
  }
  const url =
    body.base_url === undefined
      ? stored === null
        ? err("it is missing; a valid value looks like https://your-domain.okta.com")
        : ok(stored.baseUrl)
      : parseBaseUrl(body.base_url, config.baseUrlRules);
  if (!url.ok) problems.push({ field: "body.base_url", message: url.error });
  return url.ok && credential.ok ? ok({ baseUrl: url.value, credential: credential.value }) : err(problems);
};
