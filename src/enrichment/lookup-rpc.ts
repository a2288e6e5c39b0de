/**
 * What AccountLookup is asked over RPC and how it replies. A Worker and an object of different releases talk to each
 * other during a gradual deployment, so both forms only grow.
 */
import type { Found } from "../contract/found.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Account, FoundAccount, MissingReason } from "./account.ts";
import type { LookupFailure, Provenance } from "./answer.ts";
import type { Identifier } from "./identifier.ts";
import { fromStored, type StoredAccount, storedAccountSchema, toStored } from "./stored-account.ts";

/**
 * How new the answer has to be: `any` accepts whatever is fresh, `renew` what is not yet in the last tenth of its
 * life, `force` nothing that was fetched before.
 */
export type RequiredFreshness = "any" | "renew" | "force";

export interface LookupRequest {
  /** Read by objects of earlier releases only; an object knows its connection from its name. */
  readonly connection: string;
  readonly identifier: Identifier;
  readonly demand: RequiredFreshness;
}

/** `at` in ms since the epoch. `stale`: Okta could not be asked, and this is what was known last. */
export type LookupReply =
  | {
      readonly kind: "found" | "stale";
      readonly found: Found<{ readonly account: StoredAccount }>;
      readonly at: number;
      readonly cached: boolean;
      /** Why it is stale; objects of version 0.1.0 do not say. */
      readonly reason?: MissingReason;
    }
  | { readonly kind: "failed"; readonly failure: LookupFailure };

/** An account, several or none, and where that comes from. */
export interface LookupAnswer {
  readonly found: FoundAccount;
  readonly from: Provenance;
}

export type LookupOutcome = Result<LookupAnswer, LookupFailure>;

export const toReply = (outcome: LookupOutcome): LookupReply => {
  if (!outcome.ok) return { kind: "failed", failure: outcome.error };
  const { found, from } = outcome.value;
  return {
    kind: from.stale ? "stale" : "found",
    found: found.found === "one" ? { found: "one", account: toStored(found.account) } : found,
    at: from.at,
    cached: from.cached,
    ...(from.reason !== undefined && { reason: from.reason }),
  };
};

/** What an object of version 0.1.0 did not say is not known. */
const accountIn = (account: StoredAccount): Account => fromStored(storedAccountSchema.parse(account));

export const fromReply = (reply: LookupReply): LookupOutcome => {
  if (reply.kind === "failed") return err(reply.failure);
  const { kind, found, at, cached, reason } = reply;
  return ok({
    found: found.found === "one" ? { found: "one", account: accountIn(found.account) } : found,
    from: { at, cached, stale: kind === "stale", ...(reason !== undefined && { reason }) },
  });
};
