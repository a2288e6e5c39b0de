import { parseAll } from "../../okta/records.ts";
import type { ListWay } from "../../streams/definition.ts";
import type { ListCursor } from "../cursors.ts";
import { predict } from "../prediction.ts";
import { projected } from "../projection.ts";
import { runErrorOf } from "../run.ts";
import { DONE, isGivenUp, listStep, type Phase, type StepOutcome, shownUntil } from "../step.ts";

const DAY_MS = 86_400_000;
/** For so long the way in which a list was read to its end is taken at once. */
const WAY_DAYS = 30;

/** Reads the complete list of a stream's assets. */
export const listPhase: Phase<ListCursor> = async (context) => {
  const { definition, connection, inventory, run, api, now, meta } = context;
  const { source, store, name } = definition;
  const ways: readonly ListWay[] = [[{ query: () => source.listQuery }], ...(source.otherWays ?? [])];
  if (context.cursor.way === undefined) {
    const known = meta.get("listWay");
    const way = known !== null && now() - known.at < WAY_DAYS * DAY_MS ? known.way : 0;
    context.move({ ...context.cursor, way: ways[way] === undefined ? 0 : way });
  }
  const outcome = await listStep(
    context,
    projected(context, source.fields, (request) => source.list(api, request)),
    ways,
    (page, number, listedAt) => {
      if (number === 0) inventory.sweeps.begin(name);
      const { records, quarantined } = parseAll(page.records, (record) =>
        source.parse(record, connection.profileAttributes),
      );
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
    if (isGivenUp(context.cursor, error)) return { next: "stop", ...runErrorOf(error, run.phase, now()) };
    const stop = (await source.refusedList?.(api, error)) ?? null;
    return stop === null ? { next: "wait", error } : { next: "stop", ...stop };
  }
  return outcome.next === "done" ? closeList(context) : outcome;
};

/** After the last page: stores what only the complete list shows. */
const closeList = (context: Parameters<typeof listPhase>[0]): StepOutcome => {
  const { definition, inventory, run, api, meta } = context;
  const { name, source, store } = definition;
  const { way = 0 } = context.cursor;
  // Parts of a list overlap.
  const listed = way === 0 ? inventory.sweeps.size(name) : inventory.sweeps.sizeDistinct(name);
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
    if (way > 0 && meta.get("listWay")?.way !== way) meta.set("listWay", { way, at: context.now() });
    run.calls.predicted = predict(context);
  }, DONE);
};
