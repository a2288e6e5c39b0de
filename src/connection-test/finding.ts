/** What a person is told: what was found, and what to do about it. The texts are exact; tests hold them. */

export interface Verdict {
  readonly status: "pass" | "fail" | "unknown";
  readonly message: string;
  readonly remedy: string | null;
}

export const pass = (message: string, remedy: string | null = null): Verdict => ({
  status: "pass",
  message,
  remedy,
});

export const fail = (message: string, remedy: string): Verdict => ({ status: "fail", message, remedy });

export const unknown = (message: string, remedy: string | null): Verdict => ({
  status: "unknown",
  message,
  remedy,
});

/** Whose rights are spoken of. */
export type Kind = "ssws" | "oauth";

/** Okta's refusals name an address or a zone only in words, and which words is written down nowhere. */
export const speaksOfNetwork = (text: string): boolean =>
  /\bip\b|\bip[ -]address|network zone|\bzone\b|geo-?location/i.test(text);

export const networkZone = (kind: Kind, status: number | null): Verdict =>
  fail(
    `Okta refuses calls from this network (${status ?? "no status"}): a network zone is in the way.`,
    kind === "ssws"
      ? "Look at the token under Security > API > Tokens: calls must be allowed from any IP, since a Worker's addresses change. Look also at blocklist zones under Security > Networks."
      : "Look at the app's network settings (Applications > the app > General) and at blocklist zones under Security > Networks: a Worker's addresses change, so a zone cannot list them.",
  );

export const crowdedOut = (resetsAt: number | null): Verdict =>
  unknown(
    "The org's rate limit leaves no call for this now.",
    resetsAt === null
      ? "Try again in a minute. Other applications use the same limit."
      : `Try again after ${new Date(resetsAt).toISOString()}. Other applications use the same limit.`,
  );

export const outage = (what: string): Verdict =>
  unknown(`Okta does not answer this now (${what}).`, "Try again later, and look at status.okta.com.");
