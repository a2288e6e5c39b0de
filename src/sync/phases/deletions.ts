/** Deletions. An asset counts as deleted only once Okta has confirmed by its id that it does not exist. */
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import type { DeletionsCursor } from "../cursors.ts";
import { refusalOf } from "../org-step.ts";
import {
  AGAIN,
  bury,
  DONE,
  forEachAsset,
  lasting,
  type Phase,
  type SliceContext,
  type StepContext,
  type StepOutcome,
} from "../step.ts";

const BATCH = 200;
const DAY_MS = 86_400_000;

/**
 * Drops old tombstones, finds the assets that this run's complete list left out, and checks by id those that need not
 * wait for a person. If more are missing than DELETION_GUARD allows, or the list was empty, all of them are held.
 */
export const deletionsPhase: Phase<DeletionsCursor> = async (context) => {
  const { definition, inventory, run, connection } = context;
  const { name } = definition;
  if (context.cursor.part === undefined) {
    const listed = run.phases.includes(name); // only a complete list of this run shows what is absent
    return context.commit(() => {
      inventory.assets.expireTombstones(context.now() - TOMBSTONE_DAYS * DAY_MS);
      if (!listed) return context.move({ part: "confirming" });
      const { absent, known } = inventory.sweeps.findAbsentees(name, run.newestAsset);
      const isEmpty = inventory.sweeps.size(name) === 0;
      inventory.sweeps.begin(name);
      if (absent === 0) return context.move({ part: "confirming" });
      const held = isEmpty || absent > connection.deletionGuard * known;
      context.move({ part: "identifying", held });
    }, AGAIN);
  }
  if (context.cursor.part === "identifying") return identify(context);
  const ids = inventory.sweeps.nextAbsentees(BATCH);
  return ids.length === 0 ? DONE : forEachAsset(context, ids, (id) => confirmById(context, id));
};

/**
 * Before anything is deleted because it is absent: makes sure that it was this org that listed what it has. If the org
 * does not say, nothing is deleted by absence in this run.
 */
const identify = async (context: StepContext<DeletionsCursor>): Promise<StepOutcome> => {
  const { inventory, org, api } = context;
  const verdict = await org.ask(api);
  if (!verdict.ok) return { next: "wait", error: verdict.error };
  const isSame = verdict.value === "same";
  const settled = context.commit(() => {
    if (!isSame) inventory.sweeps.forgetWaiting();
    else if (context.cursor.held !== true) inventory.sweeps.confirmAbsentees();
    context.move({ part: "confirming" });
  }, AGAIN);
  return refusalOf(verdict.value, context) ?? settled;
};

/** Checks one absentee by its id. If Okta has no such asset, it was deleted; if it has, the list was behind. */
const confirmById = async (context: SliceContext, id: string): Promise<StepOutcome> => {
  const { definition, inventory, run, api } = context;
  const { source, store, name } = definition;
  const readAt = context.now();
  const answer = await source.one(api, inventory, id);
  if (!answer.ok && lasting(answer.error, run) === null) return { next: "wait", error: answer.error };
  return context.commit(() => {
    inventory.sweeps.dropAbsentee(id);
    if (!answer.ok) return;
    const record = answer.value;
    if (record === null) {
      if (bury(context, id)) run.changes.deleted += 1;
    } else if (record.ok) {
      store.file(inventory, [record.value], { now: api.serverNow(), readAt, cause: "search" });
    } else {
      inventory.quarantine.add(record.error, `${name}/${id}`);
    }
  }, AGAIN);
};
