import { INDEX_LAG_MS } from "../../inventory/precedence.ts";
import { isForbidden } from "../../okta/errors.ts";
import type { Search } from "../../streams/definition.ts";
import type { SearchesCursor } from "../cursors.ts";
import { projected } from "../projection.ts";
import {
  AGAIN,
  DONE,
  lasting,
  leaveToNext,
  listStep,
  type Phase,
  type StepContext,
  type StepOutcome,
} from "../step.ts";

/** Finds what Okta has updated, with the stream's searches by time, one after another. */
export const searchesPhase: Phase<SearchesCursor> = async (context) => {
  const { definition, inventory, run, api, meta } = context;
  const { searches } = definition.source;
  const { part, since = api.serverNow() } = context.cursor;
  if (part === undefined) return goOn(context, searches[0], since);
  const search = named(searches, part);
  // Before the first search, a full run that is in progress has begun earlier and may have passed what changed since.
  const beganAt = Math.min(run.startedAt, meta.get("full")?.startedAt ?? run.startedAt);
  const watermark = meta.get("watermarks")?.searchedAt ?? beganAt + api.skewMs;
  // Each search overlaps the time that the one before has covered, because changes show late.
  const from = new Date(watermark - INDEX_LAG_MS).toISOString();
  const outcome = await listStep(
    context,
    projected(context, search.fields, (request) => search.read(api, request)),
    [[{ query: () => search.query(from) }], ...(search.inParts ? ([[search.inParts(from)]] as const) : [])],
    ({ records }, _, listedAt) => {
      const found = { now: api.serverNow(), listedAt };
      run.changes.search += search.file(inventory, records, found);
    },
  );
  if (outcome.next === "failed") {
    if (outcome.error.code === "bad_request") {
      // If Okta refuses a search and there is no other, the next full run makes up for it. The other searches continue.
      return goOn(context, search.otherwise ?? after(searches, search), since);
    }
    if (lasting(outcome.error, run) === null) return { next: "wait", error: outcome.error };
    const noted = leaveToNext(context, outcome.error, AGAIN);
    if (noted.next !== "again") return noted;
    if (!isForbidden(outcome.error)) context.move({ ...context.cursor, incomplete: true });
    return goOn(context, after(searches, search), since);
  }
  return outcome.next === "done" ? goOn(context, after(searches, search), since) : outcome;
};

/** The search with this name. Throws if the stream has none: a bug. */
const named = (searches: readonly Search[], name: string): Search => {
  const all = searches.flatMap((search) => [search, ...(search.otherwise ? [search.otherwise] : [])]);
  const search = all.find((candidate) => candidate.name === name);
  if (search === undefined) throw new Error(`The stream has no search ${name}`);
  return search;
};

/** The search after this one. A search that was used instead of another has the place of the other. */
const after = (searches: readonly Search[], done: Search): Search | undefined =>
  searches[searches.findIndex((search) => search === done || search.otherwise === done) + 1];

/** Continues with a search or, without one, moves the watermark and ends the phase. */
const goOn = (
  context: StepContext<SearchesCursor>,
  search: Search | undefined,
  since: number,
): StepOutcome => {
  const { incomplete } = context.cursor;
  if (search === undefined) {
    return context.commit(() => {
      if (incomplete === undefined) context.meta.set("watermarks", { searchedAt: since });
    }, DONE);
  }
  const kept = incomplete === undefined ? {} : { incomplete };
  return context.commit(() => context.move({ part: search.name, since, ...kept }), AGAIN);
};
