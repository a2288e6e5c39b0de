import { parseAll } from "../../okta/records.ts";
import type { ListCursor } from "../cursors.ts";
import { predict } from "../prediction.ts";
import { DONE, listStep, type Phase, type StepOutcome, shownUntil } from "../step.ts";

/** Reads the complete list of a stream's assets. */
export const listPhase: Phase<ListCursor> = async (context) => {
  const { definition, inventory, run, api } = context;
  const { source, store, name } = definition;
  const outcome = await listStep(
    context,
    (request) => source.list(api, request),
    source.listQuery,
    (page, number, listedAt) => {
      if (number === 0) inventory.sweeps.begin(name);
      const { records, quarantined } = parseAll(page.records, (record) => source.parse(record));
      // An asset whose record cannot be read is not absent.
      const unreadable = quarantined.flatMap(({ id }) => (id === null ? [] : [id]));
      inventory.sweeps.add(name, number, [...records.map(({ id }) => id), ...unreadable]);
      for (const [index, bad] of quarantined.entries()) {
        inventory.quarantine.add(bad, `${name}/${number}/${index}`);
      }
      run.changes.full += store.file(inventory, records, {
        now: api.serverNow(),
        listedAt,
        passedSince: shownUntil(context, run.startedAt),
      });
    },
  );
  if (outcome.next === "failed") {
    const { error } = outcome;
    const stop = (await source.refusedList?.(api, error)) ?? null;
    return stop === null ? { next: "wait", error } : { next: "stop", ...stop };
  }
  return outcome.next === "done" ? closeList(context) : outcome;
};

/** After the last page: stores what only the complete list shows. */
const closeList = (context: Parameters<typeof listPhase>[0]): StepOutcome => {
  const { definition, inventory, run, api, meta } = context;
  const { name, source, store } = definition;
  const listed = inventory.sweeps.size(name);
  if (listed === 0 && source.emptyList !== undefined && inventory.assets.counts().total === 0) {
    return { next: "stop", ...source.emptyList };
  }
  return context.commit(() => {
    const byOkta = shownUntil(context, run.startedAt);
    store.listed?.(inventory, listed, { byOkta, byUs: byOkta - api.skewMs });
    inventory.quarantine.forgetBefore(run.startedAt);
    // The searches only have to find what has changed since this run began, or since a delta run has searched.
    const searchedAt = meta.get("watermarks")?.searchedAt ?? 0;
    meta.set("watermarks", { searchedAt: Math.max(searchedAt, run.startedAt + api.skewMs) });
    run.calls.predicted = predict(context);
  }, DONE);
};
