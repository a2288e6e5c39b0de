/** What a check found, and what to do about it, in words for people. The texts are exact: tests pin them. */
import type { Credential } from "../config/types.ts";
import { timeInWords } from "../lib/when.ts";

export interface Finding {
  readonly status: "pass" | "fail" | "unknown";
  readonly message: string;
  readonly remedy: string | null;
}

export const pass = (message: string, remedy: string | null = null): Finding => ({
  status: "pass",
  message,
  remedy,
});

export const fail = (message: string, remedy: string): Finding => ({ status: "fail", message, remedy });

export const unknown = (message: string, remedy: string | null): Finding => ({
  status: "unknown",
  message,
  remedy,
});

/** Whose rights a finding is about: an API token's owner's, or a service app's. */
export type CredentialKind = Credential["kind"];

/** Whether a refusal is about a network. Okta says so only in words, and which words is documented nowhere. */
export const speaksOfNetwork = (text: string): boolean =>
  /\bip\b|\bip[ -]address|network zone|\bzone\b|geo-?location/i.test(text);

export const networkZone = (kind: CredentialKind, status: number | null): Finding =>
  fail(
    `Okta refuses calls from this network (${status ?? "no status"}): a network zone is in the way.`,
    kind === "ssws"
      ? "Look at the token under Security > API > Tokens: calls must be allowed from any IP, since a Worker's addresses change. Look also at blocklist zones under Security > Networks."
      : "Look at the app's network settings (Applications > the app > General) and at blocklist zones under Security > Networks: a Worker's addresses change, so a zone cannot list them.",
  );

export const crowdedOut = (resetsAt: number | null): Finding =>
  unknown(
    "The org's rate limit leaves no call for this now.",
    resetsAt === null
      ? "Try again in a minute. Other applications use the same limit."
      : `Try again after ${timeInWords(resetsAt, resetsAt)}. Other applications use the same limit.`,
  );

export const outage = (what: string): Finding =>
  unknown(`Okta does not answer this now (${what}).`, "Try again later, and look at status.okta.com.");
