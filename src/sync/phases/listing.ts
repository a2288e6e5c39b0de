/** What the complete listings of users and of devices have in common. */
import type { Page } from "../../okta/api.ts";
import { parseAll } from "../../okta/records.ts";
import { predict } from "../prediction.ts";
import type { StepContext } from "../step.ts";

/** A record's parser, as `parseAll` takes it. */
type Parse<T> = Parameters<typeof parseAll<T>>[1];

/**
 * Notes what a page of the listing names, for the deletions to compare with, and sets aside what cannot be read.
 * Call it within the page's transaction.
 *
 * @param number of the page, from 0, with which the listing begins anew.
 * @returns the records that can be filed.
 */
export const notePage = <T extends { readonly id: string }>(
  { inventory }: StepContext,
  listing: string,
  page: Page,
  number: number,
  parse: Parse<T>,
): readonly T[] => {
  if (number === 0) inventory.sweeps.begin(listing);
  const { records, quarantined } = parseAll(page.records, parse);
  // A record that cannot be read is no sign of absence.
  const unreadable = quarantined.flatMap(({ id }) => (id === null ? [] : [id]));
  inventory.sweeps.add(listing, number, [...records.map(({ id }) => id), ...unreadable]);
  for (const [index, bad] of quarantined.entries()) {
    inventory.quarantine.add(bad, `${listing}/${number}/${index}`);
  }
  return records;
};

/** The listing is complete. Call it within the transaction that ends its phase. */
export const closeListing = (context: StepContext): void => {
  const { inventory, run, api } = context;
  inventory.quarantine.forgetBefore(run.startedAt);
  // Only what changes from the beginning of this run on is left for the searches to find.
  inventory.meta.set("watermarks", { searchedAt: run.startedAt + api.skewMs });
  run.calls.predicted = predict(context);
};
