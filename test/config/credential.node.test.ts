import { describe, expect, it } from "vitest";
import { type CredentialPart, describeCredential, readCredential } from "../../src/config/credential.ts";
import { phrase, sentences } from "../../src/config/problem.ts";

const settingWording = {
  nameOf: (part: CredentialPart) => `ACME_${part.toUpperCase()}`,
  giveToken: "run: npx wrangler secret put ACME_API_TOKEN",
};
const bodyWording = { nameOf: (part: CredentialPart) => `body.${part}`, giveToken: "give it here" };

describe("what is wrong with a credential", () => {
  const both = { api_token: "00token", client_id: "0oa1" };

  it.each([
    [
      {},
      "It is missing. Create a token in Okta (Security > API > Tokens) and run: npx wrangler secret put " +
        "ACME_API_TOKEN (or give ACME_CLIENT_ID and ACME_PRIVATE_KEY of an OAuth service app).",
      "it is missing; create a token in Okta (Security > API > Tokens) and give it here (or give " +
        "body.client_id and body.private_key of an OAuth service app)",
    ],
    [
      both,
      "Both an API token and an OAuth service app are set. Remove ACME_API_TOKEN to use the service app, or " +
        "ACME_CLIENT_ID, ACME_PRIVATE_KEY and ACME_KEY_ID to use the token.",
      "both an API token and an OAuth service app are set; remove body.api_token to use the service app, or " +
        "body.client_id, body.private_key and body.key_id to use the token",
    ],
  ])("is described in the terms of whoever gave it: %j", (given, ofSettings, ofBody) => {
    const read = readCredential(given);
    const [problem] = read.ok ? [] : read.error;
    if (problem === undefined) throw new Error("no problem");
    expect(sentences(describeCredential(problem, settingWording))).toBe(ofSettings);
    expect(phrase(describeCredential(problem, bodyWording))).toBe(ofBody);
  });

  it("is reported for every part at once", () => {
    const read = readCredential({ client_id: "0oa 1", private_key: "{", key_id: "ü" });
    expect(read).toEqual({
      ok: false,
      error: [
        { part: "client_id", code: "odd_characters" },
        { part: "key_id", code: "odd_characters" },
        { part: "private_key", code: "broken_jwk" },
      ],
    });
  });

  it.each([
    [{ api_token: "SSWS canary" }],
    [{ api_token: "canary canary" }],
    [{ client_id: "canary canary", private_key: "canary", key_id: "canary\u0000" }],
    [{ client_id: "0oa1", private_key: { kty: "canary", d: "canary" } }],
    [{ client_id: "0oa1", private_key: "-----BEGIN CANARY canary" }],
  ])("never repeats it: %j", (given) => {
    const read = readCredential(given);
    if (read.ok) throw new Error("taken");
    const texts = read.error.map((problem) => phrase(describeCredential(problem, bodyWording)));
    expect(`${JSON.stringify(read.error)}${texts.join()}`).not.toMatch(/canary/i);
  });
});
