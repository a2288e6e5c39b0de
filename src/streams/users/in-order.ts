/** Searches for users in the order of one of their times. */
import { isPlainObject } from "../../lib/json.ts";
import type { ListQuery } from "../definition.ts";
import { PAGE } from "../plan.ts";

/**
 * A search in the order of a time. Okta's reference lists both times as searchable, and lets a search be sorted by one
 * property.
 * @param search what is searched for
 */
export const inOrder = (time: "created" | "lastUpdated", search: string): ListQuery => ({
  query: (from) => ({
    search: from === null ? search : `${search} and ${time} ge "${from}"`,
    sortBy: time,
    sortOrder: "asc",
    limit: String(PAGE.users),
  }),
  keyOf: (record) => {
    const value = isPlainObject(record) ? record[time] : null;
    const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
    return Number.isNaN(at) ? null : new Date(at).toISOString();
  },
});
