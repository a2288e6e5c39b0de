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

const DAY_MS = 86_400_000;

/** Finds what Okta has updated, with the stream's searches by time, one after another. */
export const searchesPhase: Phase<SearchesCursor> = async (context) => {
  const { definition, connection, inventory, run, api, meta } = context;
  const { searches } = definition.source;
  const { part, since = api.serverNow() } = context.cursor;
  if (part === undefined) return goOn(context, usable(context, searches), since);
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
      const found = { now: api.serverNow(), listedAt, attributes: connection.profileAttributes };
      run.changes.search += search.file(inventory, records, found);
    },
  );
  if (outcome.next === "failed") {
    if (outcome.error.code === "bad_request") {
      // If Okta refuses a search and there is no other, the next full run makes up for it. The other searches continue.
      const noted = context.commit(() => note(context, search, search.otherwise?.name ?? null), AGAIN);
      if (noted.next !== "again") return noted;
      return goOn(context, search.otherwise ?? usable(context, after(searches, search)), since);
    }
    if (lasting(outcome.error, run) === null) return { next: "wait", error: outcome.error };
    const noted = leaveToNext(context, outcome.error, AGAIN);
    if (noted.next !== "again") return noted;
    if (!isForbidden(outcome.error)) context.move({ ...context.cursor, incomplete: true });
    return goOn(context, usable(context, after(searches, search)), since);
  }
  return outcome.next === "done" ? goOn(context, usable(context, after(searches, search)), since) : outcome;
};

/**
 * The first of the searches that is of use, or what is used instead of it: what Okta refused is not asked again for a
 * day.
 */
const usable = (context: StepContext<SearchesCursor>, searches: readonly Search[]): Search | undefined => {
  const [search, ...others] = searches;
  if (search === undefined) return undefined;
  const known = context.meta.get("searchWays")?.[search.name];
  if (known === undefined || context.now() - known.at >= DAY_MS) return search;
  if (known.way === null) return usable(context, others);
  return insteadOf(search).find(({ name }) => name === known.way) ?? search;
};

/** Takes note of what is used instead of a search. @param way the name of a search; null if nothing is left to try */
const note = (context: StepContext<SearchesCursor>, refused: Search, way: string | null): void => {
  const { definition, meta, now } = context;
  const search = definition.source.searches.find((one) => insteadOf(one).includes(refused));
  if (search === undefined) return;
  const ways = meta.get("searchWays") ?? {};
  meta.set("searchWays", { ...ways, [search.name]: { way, at: now() } });
};

/** A search and those that are used instead of it, in this order. */
const insteadOf = (search: Search): readonly Search[] => [
  search,
  ...(search.otherwise === undefined ? [] : insteadOf(search.otherwise)),
];

/** The search with this name. Throws if the stream has none: a bug. */
const named = (searches: readonly Search[], name: string): Search => {
  const search = searches.flatMap(insteadOf).find((candidate) => candidate.name === name);
  if (search === undefined) throw new Error(`The stream has no search ${name}`);
  return search;
};

/** The searches after this one. A search that was used instead of another has the place of the other. */
const after = (searches: readonly Search[], done: Search): readonly Search[] =>
  searches.slice(searches.findIndex((search) => insteadOf(search).includes(done)) + 1);

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
