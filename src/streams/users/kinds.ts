/** What the kinds of factors in a facet mean. Pure. */
import type { Facet } from "../../inventory/facets.ts";
import { known, knownValue, type UserFacts } from "../../inventory/facts.ts";
import { hasMfa, hasPhishingResistantMfa } from "../../ocsf/derive.ts";
import { countsAsMfa, factorName } from "../../okta/factor-names.ts";

/** The kinds of ACTIVE factors as a facet has them: `type|provider`; null if they are unknown. */
export type Kinds = Facet["mfa"];

/** Active factors. */
const factorsOf = (kinds: readonly string[]): UserFacts["factors"] =>
  known(
    kinds.map((kind) => {
      const bar = kind.lastIndexOf("|");
      const [factorType, provider] = [kind.slice(0, bar), kind.slice(bar + 1)];
      return { id: null, factorType, provider: provider || null, status: "ACTIVE" };
    }),
    0,
  );

/** Whether users with these factors count as enrolled; null if unknown. @param ignored factor types that do not count */
export const areEnrolled = (kinds: Kinds, ignored: readonly string[]): boolean | null =>
  kinds === null ? null : hasMfa(factorsOf(kinds), ignored);

/** Whether users with these factors have one that resists phishing; null if unknown. @param ignored as in `areEnrolled` */
export const areResistant = (kinds: Kinds, ignored: readonly string[]): boolean | null =>
  kinds === null ? null : hasPhishingResistantMfa(factorsOf(kinds), ignored);

/** Whether users with these factors have one of this name. */
export const haveFactor = (kinds: Kinds, name: string): boolean =>
  kinds !== null && (knownValue(factorsOf(kinds))?.some((factor) => factorName(factor) === name) ?? false);

/** The names of these factors that count as MFA; null if they are unknown. @param ignored as in `areEnrolled` */
export const mfaNames = (kinds: Kinds, ignored: readonly string[]): string[] | null =>
  kinds === null
    ? null
    : (knownValue(factorsOf(kinds)) ?? [])
        .filter((factor) => countsAsMfa(factor, ignored))
        .map((factor) => factorName(factor));

/** Users who exist and are not DEPROVISIONED. */
export const isNotDeprovisioned = ({ status }: Facet): boolean =>
  status !== null && status !== "DEPROVISIONED";
