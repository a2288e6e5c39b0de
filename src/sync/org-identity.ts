/**
 * Whether the org that answers is the one whose inventory is stored. Okta tells an org's id without a credential. Pure.
 */

import type { OrgVerdict } from "../contract/org.ts";

/** What is remembered about the org. Times are ms since the epoch. */
export interface OrgIdentity {
  /** Okta's id of the org that the inventory holds; null while it is not known. */
  readonly id: string | null;
  /** The base URL and a fingerprint of the credential with which it was last confirmed. */
  readonly baseUrl: string;
  readonly credential: string;
  /** When the org was last asked who it is. */
  readonly askedAt: number;
  /** The other org that answered, with which settings and since when; null if none did. */
  readonly changed: (OrgSettings & { readonly id: string; readonly since: number }) | null;
}

/** The settings that lead to an org. */
export interface OrgSettings {
  readonly baseUrl: string;
  /** A fingerprint of the credential. */
  readonly credential: string;
}

/** What came of asking the org who it is. */
export type OrgAnswer = { readonly id: string } | { readonly unreachable: true };

/** While another org answers, it is asked again after this: not only settings decide which org answers at a URL. */
export const ASK_AGAIN_MS = 5 * 60_000;

const areSame = (a: OrgSettings, b: OrgSettings): boolean =>
  a.baseUrl === b.baseUrl && a.credential === b.credential;

/** What can be said without asking; null if the org has to be asked first. */
export const knownVerdict = (
  kept: OrgIdentity | null,
  settings: OrgSettings,
  now: number,
): OrgVerdict | null => {
  if (kept === null) return null;
  if (kept.changed !== null) {
    return areSame(kept.changed, settings) && now - kept.askedAt < ASK_AGAIN_MS ? "changed" : null;
  }
  if (!areSame(kept, settings)) return null;
  return kept.id === null ? "unverified" : "same";
};

/**
 * What the org's answer means, and what to remember of it. An inventory that is still empty takes any org; one whose
 * org is not known by id takes the org that answers at the same URL.
 * @param isEmpty whether nothing of an org is stored
 */
export const judgeOrg = (
  kept: OrgIdentity | null,
  settings: OrgSettings,
  answer: OrgAnswer,
  { isEmpty, now }: { readonly isEmpty: boolean; readonly now: number },
): { readonly verdict: OrgVerdict; readonly identity: OrgIdentity } => {
  const { baseUrl, credential } = settings;
  const adopted = (id: string | null): OrgIdentity => ({
    id,
    baseUrl,
    credential,
    askedAt: now,
    changed: null,
  });
  if ("unreachable" in answer) {
    // An org that has never said who it is would be waited for for ever.
    const neverSaid = kept === null || (kept.id === null && (isEmpty || kept.baseUrl === baseUrl));
    if (neverSaid) return { verdict: "unverified", identity: adopted(null) };
    const identity = { ...kept, askedAt: now };
    if (kept.changed !== null && areSame(kept.changed, settings)) return { verdict: "changed", identity };
    // The settings that led to another org were taken back.
    if (areSame(kept, settings)) return { verdict: "unverified", identity: { ...identity, changed: null } };
    return { verdict: "waiting", identity };
  }
  const takesAny = kept === null || isEmpty || (kept.id === null && kept.baseUrl === baseUrl);
  if (takesAny || kept.id === answer.id) return { verdict: "same", identity: adopted(answer.id) };
  const since = kept.changed?.id === answer.id ? kept.changed.since : now;
  const changed = { id: answer.id, baseUrl, credential, since };
  return { verdict: "changed", identity: { ...kept, askedAt: now, changed } };
};
