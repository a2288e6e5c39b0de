/** The assets that a check of posture counts, as a search finds them. */
import type { CheckId } from "../contract/posture.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { areGroupsUnknown, isInEveryone } from "../inventory/standing.ts";
import type { ExploreTools, Filter } from "./definition.ts";
import { type Alike, alikeOf, type Check, type PostureOrg } from "./posture.ts";

const WEEK_MS = 7 * 86_400_000;

/** What checks decide by, from the inventory. @param tools.now ms since the epoch */
export const postureOrgOf = (
  inventory: Inventory,
  { ignored, now }: Pick<ExploreTools, "ignored" | "now">,
): PostureOrg => {
  const { standing } = inventory;
  const assignedAt = standing.everyone === "gives" ? inventory.groups.everyoneRoleAt() : null;
  return {
    standing,
    ignored,
    isEveryoneNew: assignedAt !== null && assignedAt >= now - WEEK_MS,
    areOwnersKnown: inventory.copy.at !== null,
  };
};

/** All assets of the inventory by facet and marks, as these are now: call `facets.turn` first. */
export const alikeIn = ({ facets }: Inventory): Alike[] => alikeOf(facets.all(), facets.marks.counts());

/** A filter by checks. Of a check of the other stream it finds nothing. */
export const postureFilter =
  (checks: Readonly<Partial<Record<CheckId, Check>>>) =>
  (id: CheckId, { inventory, excepted, ...tools }: ExploreTools): Filter => {
    const check = checks[id];
    if (check === undefined) return { fits: () => false };
    const org = postureOrgOf(inventory, tools);
    const groups = excepted(id);
    const everyone = inventory.groups.everyoneId();
    /** Whether some of them may be found, who are not excepted. */
    const isOpen = ({ facet }: Alike): boolean =>
      groups.length === 0 ||
      (!areGroupsUnknown(facet, org.standing) &&
        !(everyone !== null && groups.includes(everyone) && isInEveryone(facet, org.standing)));
    const all = alikeIn(inventory);
    const found = new Set(
      all.filter((alike) => check.about(alike.facet) && check.verdict(alike, org) === true && isOpen(alike)),
    );
    const facets = new Set([...found].map(({ facet }) => facet.f));
    const sets = new Set([...found].map((alike) => alike.marks));
    const sum = (those: readonly Alike[]) => those.reduce((total, { count }) => total + count, 0);
    const isByMarks =
      !sets.has(0) &&
      sum(all.filter((alike) => sets.has(alike.marks))) < sum(all.filter(({ facet }) => facets.has(facet.f)));
    const isWhole = all.every((alike) => found.has(alike) || !facets.has(alike.facet.f));
    return {
      fits: ({ f }) => facets.has(f),
      where: [
        ...(isWhole
          ? []
          : [
              {
                kind: "marks" as const,
                alike: [...found].map(({ facet, marks, count }) => ({ f: facet.f, marks, count })),
                isByMarks,
              },
            ]),
        ...(groups.length === 0 ? [] : [{ kind: "outside" as const, groups }]),
      ],
    };
  };
