/** A credential that a request brings to be tried before it is stored. It is judged by the rules of the settings. */
import {
  type BaseUrlProblem,
  type BaseUrlRules,
  describeBaseUrl,
  missingBaseUrl,
  parseBaseUrl,
} from "../config/base-url.ts";
import {
  type CredentialPart,
  type CredentialWording,
  credentialParts,
  describeCredential,
  readCredential,
} from "../config/credential.ts";
import { type Clauses, phrase } from "../config/problem.ts";
import { piecesOf } from "../config/secrets.ts";
import type { Connection, Credential } from "../config/types.ts";
import { protectForNow } from "../lib/redact.ts";
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

const fieldOf = (part: CredentialPart | "base_url"): string => `body.${part}`;

const wording: CredentialWording = { nameOf: fieldOf, giveToken: "give it here" };

const problemOf = (part: CredentialPart | "base_url", clauses: Clauses): CandidateProblem => ({
  field: fieldOf(part),
  message: phrase(clauses),
});

const baseUrlOf = (
  given: Result<string, BaseUrlProblem> | null,
  stored: Pick<Connection, "baseUrl"> | null,
): Result<string, Clauses> => {
  if (given !== null) return given.ok ? given : err(describeBaseUrl(given.error));
  return stored === null ? err(missingBaseUrl) : ok(stored.baseUrl);
};

/**
 * Reads a candidate.
 *
 * A base URL without a credential is refused unless it is the stored one: the stored credential goes to the stored
 * org and nowhere else. Otherwise whoever holds a key to this API could have it sent to an org of their own.
 *
 * @param stored the connection whose base URL is used when the body has none; null when it is not configured
 * @returns null when the stored connection is to be tested
 */
export const readCandidate = (
  body: CandidateBody,
  config: { readonly baseUrlRules: BaseUrlRules },
  stored: Pick<Connection, "baseUrl"> | null,
): Result<Candidate | null, readonly CandidateProblem[]> => {
  const { base_url: given, ...credentialBody } = body;
  const url = given === undefined ? null : parseBaseUrl(given, config.baseUrlRules);
  if (credentialParts.every((part) => body[part] === undefined)) {
    if (url === null || (url.ok && url.value === stored?.baseUrl)) return ok(null);
    return err([
      problemOf("api_token", [
        "it is missing: the stored credential is not sent to another base URL",
        "give the token to test with it",
      ]),
    ]);
  }
  // Okta may repeat them in what it answers.
  protectForNow([credentialBody.api_token, credentialBody.private_key].flatMap(piecesOf));
  const credential = readCredential(credentialBody);
  const baseUrl = baseUrlOf(url, stored);
  if (credential.ok && baseUrl.ok) return ok({ baseUrl: baseUrl.value, credential: credential.value });
  return err([
    ...(credential.ok
      ? []
      : credential.error.map((problem) => problemOf(problem.part, describeCredential(problem, wording)))),
    ...(baseUrl.ok ? [] : [problemOf("base_url", baseUrl.error)]),
  ]);
};
