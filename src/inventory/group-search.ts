/** Finding groups by their names and descriptions. */
import { folded } from "../lib/folded.ts";

export interface FoundGroup {
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** Okta's count of the members; null if Okta did not report it. */
  readonly usersCount: number | null;
}

export interface FoundGroups {
  readonly groups: readonly FoundGroup[];
  /** How many there are. */
  readonly total: number;
  /** The id of the last one of this page; null if no more follow. */
  readonly next: string | null;
}

/**
 * Groups whose name or description contains the text, whatever its case and accents, or whose id it is; by name, at
 * most `limit`.
 *
 * LIKE would refuse a pattern over 50 bytes, and SQLite knows the case of ASCII letters only. So SQL decides on
 * groups that are all ASCII, and hands the others over to be compared here.
 * @param after only those after the group with this id; "" for the first ones
 */
export const findGroups = (sql: SqlStorage, text: string, after: string, limit: number): FoundGroups => {
  const id = text.trim();
  const wanted = folded(id);
  const candidates = sql.exec<{
    id: string;
    name: string | null;
    description: string | null;
    usersCount: number | null;
  }>(
    `SELECT id, record ->> '$.name' AS name, record ->> '$.description' AS description, users_count AS usersCount
     FROM groups WHERE instr(upper(record ->> '$.name'), ?1) OR instr(upper(record ->> '$.description'), ?1)
       OR id = ?2 OR octet_length(record) > length(record)
     ORDER BY name, id`,
    wanted,
    id,
  );
  const groups: FoundGroup[] = [];
  let total = 0;
  let isAfter = after === "";
  let isMore = false;
  for (const group of candidates) {
    if (group.id !== id && ![group.name, group.description].some((part) => folded(part).includes(wanted))) {
      continue;
    }
    total += 1;
    if (!isAfter) isAfter = group.id === after;
    else if (groups.length < limit) groups.push(group);
    else isMore = true;
  }
  return { groups, total, next: isMore ? (groups.at(-1)?.id ?? null) : null };
};
