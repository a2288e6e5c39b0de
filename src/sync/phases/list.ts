/** The complete list of a stream's assets. */
import { parseAll } from "../../okta/records.ts";
import type { ListCursor } from "../cursors.ts";
import { predict } from "../prediction.ts";
import { DONE, listStep, type Phase, type StepOutcome } from "../step.ts";

export const listPhase: Phase<ListCursor> = async (context) => {
  const { definition, inventory, run, api } = context;
  const { source, store, name } = definition;
  const outcome = await listStep(
    context,
    (request) => source.list(api, request),
    source.listQuery,
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(name);
      const { records, quarantined } = parseAll(page.records, (record) => source.parse(record));
      // A record that cannot be read is no sign of absence.
      const unreadable = quarantined.flatMap(({ id }) => (id === null ? [] : [id]));
      inventory.sweeps.add(name, number, [...records.map(({ id }) => id), ...unreadable]);
      for (const [index, bad] of quarantined.entries()) {
        inventory.quarantine.add(bad, `${name}/${number}/${index}`);
      }
      run.changes.full += store.file(inventory, records, { now: context.now() });
    },
  );
  if (outcome.next === "failed") {
    const { error } = outcome;
    const stop = (await source.refusedList?.(api, error)) ?? null;
    return stop === null ? { next: "wait", error } : { next: "stop", ...stop };
  }
  return outcome.next === "done" ? closeList(context) : outcome;
};

/** The list is complete: what only all of it says is settled. */
const closeList = (context: Parameters<typeof listPhase>[0]): StepOutcome => {
  const { definition, inventory, run, api, meta } = context;
  const { name, source, store } = definition;
  const listed = inventory.sweeps.size(name);
  if (listed === 0 && source.emptyList !== undefined && inventory.assets.counts().total === 0) {
    return { next: "stop", ...source.emptyList };
  }
  return context.commit(() => {
    store.listed?.(inventory, listed);
    inventory.quarantine.forgetBefore(run.startedAt);
    // Only what changes from the beginning of this run on is left for the searches to find.
    meta.set("watermarks", { searchedAt: run.startedAt + api.skewMs });
    run.calls.predicted = predict(context);
  }, DONE);
};
