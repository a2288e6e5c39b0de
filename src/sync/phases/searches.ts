/** What Okta's searches by time show to have changed. */
import type { Search } from "../../streams/definition.ts";
import type { SearchesCursor } from "../cursors.ts";
import { AGAIN, DONE, lasting, listStep, type Phase, type StepContext, type StepOutcome } from "../step.ts";

/** Searches see a change late: each looks this far back over what the one before has seen. */
const OVERLAP_MS = 2 * 60_000;

export const searchesPhase: Phase<SearchesCursor> = async (context) => {
  const { definition, inventory, run, api, meta } = context;
  const { searches } = definition.source;
  const { part, since = api.serverNow() } = context.cursor;
  if (part === undefined) return goOn(context, searches[0], since);
  const search = named(searches, part);
  const watermark = meta.get("watermarks")?.searchedAt ?? run.startedAt;
  const from = new Date(watermark - OVERLAP_MS).toISOString();
  const outcome = await listStep(
    context,
    (request) => search.read(api, request),
    search.query(from),
    ({ records }) => {
      const found = { now: context.now(), runStartedAt: run.startedAt };
      run.changes.search += search.file(inventory, records, found);
    },
  );
  if (outcome.next === "failed") {
    const refused = outcome.error.code === "bad_request";
    if (!refused && lasting(outcome.error, run) === null) return { next: "wait", error: outcome.error };
    // A search that Okta does not take or allow is left to the next full run; the others go on.
    return goOn(context, refused && search.otherwise ? search.otherwise : after(searches, search), since);
  }
  return outcome.next === "done" ? goOn(context, after(searches, search), since) : outcome;
};

const named = (searches: readonly Search[], name: string): Search => {
  const all = searches.flatMap((search) => [search, ...(search.otherwise ? [search.otherwise] : [])]);
  const search = all.find((candidate) => candidate.name === name);
  if (search === undefined) throw new Error(`The stream has no search ${name}`);
  return search;
};

/** The search that follows this one, or the one that it stands in for. */
const after = (searches: readonly Search[], done: Search): Search | undefined =>
  searches[searches.findIndex((search) => search === done || search.otherwise === done) + 1];

/** Goes on with a search, or ends the phase, which moves the watermark. */
const goOn = (
  context: StepContext<SearchesCursor>,
  search: Search | undefined,
  since: number,
): StepOutcome => {
  if (search === undefined) {
    return context.commit(() => context.meta.set("watermarks", { searchedAt: since }), DONE);
  }
  return context.commit(() => context.move({ part: search.name, since }), AGAIN);
};
