/** What needs a person, with what to do about it. Pure: the one source for everything that shows it. */
import type { Attention, AttentionCode } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import type { OrgIdentity } from "./org-identity.ts";

/** What decides whether a stream needs a person. */
export interface AttentionFacts {
  readonly stream: StreamName;
  readonly org: OrgIdentity | null;
  /** How many deletions are held. */
  readonly held: number;
  /** Whether the connection's settings are valid. */
  readonly configured: boolean;
}

/** Since when each need is known, ms since the epoch. */
export type Since = Readonly<Partial<Record<AttentionCode, number>>>;

type Need = Omit<Attention, "since">;

/** A number with what it counts. */
const counted = (n: number, what: string): string => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

const orgChanged = (org: OrgIdentity, stream: StreamName): Need[] => {
  if (org.changed === null) return [];
  const known = org.id === null ? "an org that never told its id" : `the org ${org.id}`;
  return [
    {
      code: "org_changed",
      severity: "error",
      detail:
        `The Okta org ${org.changed.id} answers at ${org.changed.baseUrl}, but the inventory is that of ${known}. ` +
        "Nothing is read from the other org, and nothing is deleted.",
      remedy:
        "If the base URL is wrong, correct it: runs then continue by themselves. If you want the inventory of the org " +
        `that is there now, send {"org_id": "${org.changed.id}"} to POST /v1/streams/${stream}/reset, which forgets the ` +
        "present inventory and starts a first run.",
    },
  ];
};

const needs = ({ stream, org, held, configured }: AttentionFacts): readonly Need[] => [
  ...(configured
    ? []
    : [
        {
          code: "misconfigured",
          severity: "error",
          detail: "The connection's settings are invalid, so nothing is read from Okta.",
          remedy: "GET /v1/streams says which setting is wrong and what a valid value looks like.",
        } as const,
      ]),
  ...(org === null ? [] : orgChanged(org, stream)),
  ...(held === 0
    ? []
    : [
        {
          code: "deletions_held",
          severity: "warning",
          detail:
            `Okta's list came back with ${counted(held, "known asset")} missing, more than DELETION_GUARD lets the ` +
            "connector delete without confirmation. Nothing was deleted.",
          remedy:
            `GET /v1/streams/${stream}/deletions lists them. If they really no longer exist, confirm with POST /v1/streams/${stream}/deletions/confirm. Otherwise check ` +
            "the credential's permissions and start a full run.",
        } as const,
      ]),
];

/** Everything that needs a person now, the most urgent first. A need that is not in `since` is known since now. */
export const attentionOf = (facts: AttentionFacts, since: Since, now: number): readonly Attention[] =>
  needs(facts).map((need) => ({ ...need, since: new Date(since[need.code] ?? now).toISOString() }));

/** Since when each present need is known, to be stored. */
export const sinceOf = (facts: AttentionFacts, before: Since, now: number): Since =>
  Object.fromEntries(needs(facts).map(({ code }) => [code, before[code] ?? now]));
