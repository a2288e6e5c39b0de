/** Compares the inventory with the org, page by page, so that any size fits in memory. */
import { differences, expectedUser, isDeleted, type Json, uidOf } from "../../../test/support/expected.ts";
import { eventsIn } from "../../../test/support/pages.ts";
import type { OrgDump } from "../../okta-org/index.ts";
import type { BenchWorker } from "./runtime.ts";

/** The events of assets that exist, by id. */
export const livingOf = (events: Iterable<Json>): Map<string, Json> =>
  new Map([...events].filter((event) => !isDeleted(event)).map((event) => [uidOf(event), event]));

/** The ids of users whose event differs from the org, and of users who are missing or should not be there. */
export const wrongUsers = async (
  worker: BenchWorker,
  dump: Pick<OrgDump, "users" | "groups">,
): Promise<string[]> => {
  const groups = new Map(dump.groups.map((group) => [group.id, group]));
  const unseen = new Map(dump.users.map((user) => [user.id, user]));
  const wrong: string[] = [];
  await worker.inventory("users", (text) => {
    const actual = livingOf(eventsIn(text));
    const expected = new Map<string, Json>();
    for (const id of actual.keys()) {
      const user = unseen.get(id);
      if (user !== undefined) expected.set(id, expectedUser(user, groups));
      unseen.delete(id);
    }
    wrong.push(...differences(actual, expected).map(({ id }) => id));
  });
  return [...wrong, ...unseen.keys()];
};

/** Where two documents differ, as `path: is …, should be …`. */
const paths = (is: unknown, should: unknown, path: string): string[] => {
  if (JSON.stringify(is) === JSON.stringify(should)) return [];
  const parted = (value: unknown): value is Json => typeof value === "object" && value !== null;
  if (!parted(is) || !parted(should) || Array.isArray(is) || Array.isArray(should))
    return [`${path}: is ${JSON.stringify(is)}, should be ${JSON.stringify(should)}`];
  const keys = [...new Set([...Object.keys(is), ...Object.keys(should)])];
  return keys.flatMap((key) => paths(is[key], should[key], path === "" ? key : `${path}.${key}`));
};

/** The first few differences in words. */
export const describe = (found: ReturnType<typeof differences>): string =>
  found
    .slice(0, 5)
    .map(({ id, is, should }) => {
      if (is === null) return `  ${id}: is missing`;
      if (should === null) return `  ${id}: should not be there`;
      return `  ${id}: ${paths(is, should, "").slice(0, 5).join("; ")}`;
    })
    .join("\n");
