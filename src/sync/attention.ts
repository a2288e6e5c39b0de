/** What needs a person, with what to do about it. Pure: the one source for everything that shows it. */
import type { Credential } from "../config/types.ts";
import type { Attention, AttentionCode, SinkReport } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";
import type { SpentQuota } from "../lib/quota.ts";
import { timeInWords } from "../lib/when.ts";
import { newCredential } from "../okta/remedies.ts";
import { sinkNeeds } from "./attention-sinks.ts";
import { counted, type DatedNeed, enumerated, type Need } from "./needs.ts";
import type { OrgIdentity } from "./org-identity.ts";
import { type Lost, lostFacts, type Permission } from "./permissions.ts";
import type { Run } from "./run.ts";

/** What decides whether a stream needs a person. */
export interface AttentionFacts {
  readonly stream: StreamName;
  readonly org: OrgIdentity | null;
  /** How many deletions are held. */
  readonly held: number;
  /** The kind of the connection's credential; null while the settings are invalid. */
  readonly credential: Credential["kind"] | null;
  readonly runs: readonly Pick<Run, "error" | "failures" | "startedAt">[];
  /** The kinds of fact that Okta refuses to show. */
  readonly lost: Lost;
  /** Since when event hooks that used to come are missing, ms since the epoch; null if none is missed. */
  readonly hooksSilentSince: number | null;
  /** Quotas of Cloudflare's that are used up. */
  readonly quotas: readonly SpentQuota[];
  /** When the last successful run ended, ms since the epoch; null before the first. */
  readonly lastSuccessAt: number | null;
  /** ms since the epoch */
  readonly now: number;
}

/** Since when each need is known, ms since the epoch. */
export type Since = Readonly<Partial<Record<AttentionCode, number>>>;

/** A single refusal may be a passing fault of Okta's. */
const REFUSALS = 2;
/** Deltas succeed every quarter of an hour, so this many ms without a success are no coincidence. */
const STALE_AFTER_MS = 2 * 3_600_000;

const misconfigured = ({ credential }: AttentionFacts): Need[] =>
  credential !== null
    ? []
    : [
        {
          code: "misconfigured",
          severity: "error",
          detail: "The connection's settings are invalid, so nothing is read from Okta.",
          remedy: "GET /v1/streams says which setting is wrong and what a valid value looks like.",
        },
      ];

const deletionsHeld = ({ held, stream }: AttentionFacts): Need[] =>
  held === 0
    ? []
    : [
        {
          code: "deletions_held",
          severity: "warning",
          detail:
            `Okta's list came back with ${counted(held, "known asset")} missing, more than DELETION_GUARD lets the ` +
            "connector delete without confirmation. Nothing was deleted.",
          remedy:
            `GET /v1/streams/${stream}/deletions lists them. If they really no longer exist, confirm with ` +
            `POST /v1/streams/${stream}/deletions/confirm. Otherwise check the credential's permissions and start a ` +
            "full run.",
        },
      ];

const orgChanged = ({ org, stream }: AttentionFacts): Need[] => {
  if (org === null || org.changed === null) return [];
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

/** Where a new credential goes, by its kind. */
const credentialPlaces: Readonly<Record<Credential["kind"], string>> = {
  ssws: "It is stored as the connection's secret: OKTA_API_TOKEN, or the one that its entry in CONNECTIONS names.",
  oauth: "POST /v1/test-connection says which it is.",
};

const credentialRejected = ({ credential, runs }: AttentionFacts): Need[] => {
  const refused = runs.find(
    ({ error, failures }) => error?.code === "invalid_credential" && failures >= REFUSALS,
  );
  if (refused === undefined || credential === null) return [];
  return [
    {
      code: "credential_rejected",
      severity: "error",
      detail: `Okta refuses the credential, so nothing new is read (${refused.error?.message ?? ""}).`,
      brief: "Okta refuses the credential, so nothing new is read.",
      remedy:
        `${newCredential(credential)} ${credentialPlaces[credential]} Runs try again by themselves, and at once when a ` +
        "person starts one.",
    },
  ];
};

/** Without these, nothing of the stream is read. */
const LISTS: ReadonlySet<Permission> = new Set(["users", "devices"]);

const permissionLost = ({ lost }: AttentionFacts): Need[] => {
  const kinds = Object.keys(lostFacts).filter((kind) => Object.hasOwn(lost, kind)) as Permission[];
  const refusals = kinds.flatMap((kind) => lost[kind] ?? []);
  const [first] = refusals;
  if (first === undefined) return [];
  const isBlocked = kinds.some((kind) => LISTS.has(kind));
  const facts = enumerated(kinds.map((kind) => lostFacts[kind]));
  const then = isBlocked
    ? "Nothing new is read."
    : "What nothing else tells is unknown, and is shown as unknown, until Okta answers again.";
  const remedies = new Set(refusals.flatMap(({ remedy }) => remedy ?? []));
  return [
    {
      code: "permission_lost",
      severity: isBlocked ? "error" : "warning",
      detail: `Okta refuses to show ${facts} (${first.message}). ${then}`,
      brief: `Okta refuses to show ${facts}. ${then}`,
      about: kinds,
      remedy: [
        ...remedies,
        "Runs try it again by themselves, and read what was missed once Okta answers, administrators first.",
      ].join(" "),
      since: Math.min(...refusals.map(({ since }) => since)),
    },
  ];
};

const stale = ({ stream, runs, lastSuccessAt, now }: AttentionFacts): Need[] => {
  // A first run may take hours, as long as it makes progress.
  const started = runs.filter(({ error }) => error !== null).map(({ startedAt }) => startedAt);
  const since = (lastSuccessAt ?? Math.min(...started, now)) + STALE_AFTER_MS;
  if (since > now) return [];
  const when =
    lastSuccessAt === null
      ? "No run has succeeded yet"
      : `The last success was at ${timeInWords(lastSuccessAt, now)}`;
  return [
    {
      code: "stale",
      severity: "warning",
      detail: `The inventory is not current: no run of the stream has succeeded for two hours. ${when}.`,
      remedy: `GET /v1/streams/${stream} says in \`detail\` what keeps its runs from succeeding.`,
      since,
    },
  ];
};

const hooksSilent = ({ hooksSilentSince: since }: AttentionFacts): Need[] =>
  since === null
    ? []
    : [
        {
          code: "hooks_silent",
          severity: "warning",
          detail:
            "Event hooks used to come, and none has come for a day in which Okta's log had changes. Changes still arrive, " +
            "but within 15 minutes instead of seconds.",
          remedy:
            "Look in Okta (Workflow > Event Hooks) whether the hook is active and verified, and whether its " +
            "Authorization is the connection's hook secret. Okta stops sending hooks for the day after 400,000 events. If you " +
            "want no hooks any more, delete that secret.",
          since,
        },
      ];

const quotaExhausted = ({ quotas, now }: AttentionFacts): Need[] => {
  const spent = quotas.filter(({ until }) => until > now);
  const [first] = spent;
  if (first === undefined) return [];
  const what = enumerated(spent.map((quota) => quota.what));
  return [
    {
      code: "quota_exhausted",
      severity: "error",
      detail:
        `${what}: Cloudflare's daily quota of the account is used up, so nothing is stored or read that needs it. It ` +
        `begins anew at ${timeInWords(first.until, now)}, and work then goes on by itself.`,
      remedy:
        "The quotas of Cloudflare's free plan are those of the whole account: look in its dashboard (Workers & Pages > " +
        "Usage) what uses them, or change to the paid plan, which takes effect at once.",
      about: spent.map((quota) => quota.what),
    },
  ];
};

const needs = (facts: AttentionFacts): readonly Need[] => [
  ...misconfigured(facts),
  ...quotaExhausted(facts),
  ...orgChanged(facts),
  ...credentialRejected(facts),
  ...permissionLost(facts),
  ...stale(facts),
  ...deletionsHeld(facts),
  ...hooksSilent(facts),
];

/**
 * Everything that needs a person now, what stands in the way of everything first, and warnings last. A need that is not in
 * `since` is known since now.
 */
export const needsOf = (
  facts: AttentionFacts,
  since: Since,
  sinks: readonly SinkReport[],
): readonly DatedNeed[] => {
  const all = [...needs(facts), ...sinkNeeds(sinks, facts.stream, facts.now)];
  return [
    ...all.filter(({ severity }) => severity === "error"),
    ...all.filter((need) => need.severity !== "error"),
  ].map((need) => ({ ...need, since: need.since ?? since[need.code] ?? facts.now }));
};

/** A need as the status shows it. */
export const attentionOf = ({ code, severity, detail, remedy, since }: DatedNeed): Attention => ({
  code,
  severity,
  detail,
  remedy,
  since: new Date(since).toISOString(),
});

/** Since when each present need is known, to be stored. */
export const sinceOf = (facts: AttentionFacts, before: Since): Since =>
  Object.fromEntries(needs(facts).map(({ code, since }) => [code, since ?? before[code] ?? facts.now]));
