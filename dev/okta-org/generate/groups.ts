import type { Random } from "../org/random.ts";
import type { GroupType, OktaGroup, Profile } from "../org/types.ts";
import { TEAM_ADJECTIVES, TEAM_NOUNS } from "./words.ts";

const YEAR = 365 * 86_400_000;

/** A group and how many members it should get; Everyone's number means nothing. */
export interface GroupPlan {
  group: OktaGroup;
  size: number;
}

const typeOf = (random: Random, index: number): GroupType => {
  if (index === 0) return "BUILT_IN";
  return random.chance(0.25) && index !== 1 ? "APP_GROUP" : "OKTA_GROUP";
};

const profileOf = (random: Random, index: number, type: GroupType): Profile => {
  if (index === 0) return { name: "Everyone", description: "All users in your organization" };
  if (index === 1) return { name: "All Staff", description: "Nearly everybody" };
  const name = `${random.pick(TEAM_ADJECTIVES)} ${random.pick(TEAM_NOUNS)}`;
  const description = random.chance(0.3) ? null : `${name} of the company`;
  if (type === "APP_GROUP") {
    // Directory groups keep their own attributes, and two of them may share a name.
    return { name, description, groupType: "Security", windowsDomainQualifiedName: `EXAMPLE\\${name}` };
  }
  return { name: `${name} ${index}`, description };
};

/** One huge group, a tenth of empty ones, a tenth of small teams, and the rest by a power law. */
const sizeOf = (random: Random, index: number, members: number): number => {
  if (index <= 1) return Math.floor(members * 0.6);
  if (random.chance(0.1)) return 0;
  // Teams stay small however large the org is.
  if (index % 10 === 7) return Math.min(members, 3 + random.int(15));
  return Math.max(1, Math.floor((members * 0.25) / index));
};

/** The groups of an org, Everyone first. `members` is how many users can be in one. */
export const generateGroups = (
  random: Random,
  count: number,
  members: number,
  epoch: number,
): GroupPlan[] => {
  const plans: GroupPlan[] = [];
  for (let index = 0; index < Math.max(1, count); index++) {
    const type = typeOf(random, index);
    const created = epoch - YEAR - random.int(3 * YEAR);
    const moment = (): string => new Date(created + random.int(epoch - created)).toISOString();
    plans.push({
      group: {
        id: random.id("00g"),
        type,
        created: new Date(created).toISOString(),
        lastUpdated: moment(),
        lastMembershipUpdated: moment(),
        objectClass: [type === "APP_GROUP" ? "okta:windows_security_principal" : "okta:user_group"],
        profile: profileOf(random, index, type),
      },
      size: Math.min(members, sizeOf(random, index, members)),
    });
  }
  return plans;
};

/** `size` different elements of a sorted list, still sorted. */
export const sample = (random: Random, from: readonly number[], size: number): number[] => {
  if (size >= from.length) return [...from];
  if (size * 4 > from.length) {
    // Selection sampling: one pass, already in order.
    const chosen: number[] = [];
    for (let i = 0; i < from.length && chosen.length < size; i++) {
      const value = from[i];
      if (value !== undefined && random.next() * (from.length - i) < size - chosen.length) chosen.push(value);
    }
    return chosen;
  }
  const indexes = new Set<number>();
  while (indexes.size < size) indexes.add(random.int(from.length));
  return [...indexes].map((index) => from[index] ?? 0).sort((a, b) => a - b);
};
