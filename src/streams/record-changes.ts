/** Taking note of what has changed in the records of assets. */
import type { ChangeEvent, ChangeField } from "../contract/changes.ts";
import type { FiledRecord } from "../inventory/assets.ts";
import type { NewChange } from "../inventory/changes.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { believable } from "../inventory/precedence.ts";
import type { AssetRecord } from "./definition.ts";

/** @param now ms by Okta's clock */
const timeOf = ({ lastUpdated }: AssetRecord, now: number): number => {
  const time = believable(lastUpdated, now);
  return Number.isNaN(time) ? 0 : time;
};

/**
 * Takes note of the records that were filed and differ in what is told of changes. The caller opens the transaction.
 * @param filed by id
 * @param fieldsOf how two records differ; the first is null if the asset is new
 * @param now ms by Okta's clock
 * @returns the log events that tell of them, by the asset's id
 */
export const noteRecords = <R extends AssetRecord>(
  { history }: Inventory,
  filed: ReadonlyMap<string, FiledRecord>,
  fieldsOf: (before: R | null, after: R) => readonly ChangeField[],
  now: number,
): ReadonlyMap<string, readonly ChangeEvent[]> => {
  if (filed.size === 0 || history.since === null) return new Map();
  return history.note(
    [...filed].flatMap(([id, { before, after, isRestored }]): readonly NewChange[] => {
      // The stream has filed both.
      const is: R = JSON.parse(after);
      const was: R | null = before === null ? null : JSON.parse(before);
      const fields = fieldsOf(was, is);
      if (was !== null && fields.length === 0) return [];
      const kind = was !== null ? "updated" : isRestored ? "restored" : "created";
      const since = was === null ? 0 : timeOf(was, now);
      const at = timeOf(is, now);
      return [{ id, part: "asset", kind, detail: { fields }, since, ...(at > since && { at }) }];
    }),
  );
};
