/** Deletions. An asset counts as deleted only once Okta has confirmed by its id that it does not exist. */
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import { ok } from "../../lib/result.ts";
import type { DeletionsCursor } from "../cursors.ts";
import { refusalOf } from "../org-step.ts";
import { forgetSettled, isPostponed, postpone } from "../postpone.ts";
import {
  AGAIN,
  bury,
  concernsOne,
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
  const { definition, inventory, run } = context;
  if (context.cursor.part === undefined) {
    // Only a complete list of this run shows what is absent.
    if (run.phases.includes(definition.name)) return findAbsentees(context);
    return context.commit(() => closeList(context), AGAIN);
  }
  const ids = inventory.sweeps.nextAbsentees(BATCH).filter((id) => !isPostponed(context, keyOf(id)));
  return ids.length === 0
    ? forgetSettled(context, DONE)
    : forEachAsset(context, ids, (id) => confirmById(context, id));
};

/**
 * Finds what the list left out. If anything is absent, the org is asked first whether it is this org that has listed what
 * it has. If it does not say, nothing is deleted by absence in this run.
 */
const findAbsentees = async (context: StepContext<DeletionsCursor>): Promise<StepOutcome> => {
  const { definition, inventory, run, connection, org, api, meta, now } = context;
  const { name } = definition;
  const { sweeps } = inventory;
  const verdict = sweeps.countAbsent(name, run.newestAsset) === 0 ? ok("same" as const) : await org.ask(api);
  if (!verdict.ok) return { next: "wait", error: verdict.error };
  const settled = context.commit(() => {
    if (verdict.value === "same") {
      const { absent, known } = sweeps.findAbsentees(name, run.newestAsset);
      const isHeld = sweeps.size(name) === 0 || absent > connection.deletionGuard * known;
      if (!isHeld) sweeps.confirmAbsentees();
      else {
        const { since = now(), listedAt = meta.get("schedule")?.lastFullAt ?? null } = meta.get("held") ?? {};
        meta.set("held", { since, known, listedAt });
      }
    }
    sweeps.begin(name);
    closeList(context);
  }, AGAIN);
  return refusalOf(verdict.value, context) ?? settled;
};

const closeList = ({ inventory, connection, now, move }: StepContext<DeletionsCursor>): void => {
  inventory.assets.expireTombstones(now() - TOMBSTONE_DAYS * DAY_MS);
  inventory.history.prune(now() - connection.historyDays * DAY_MS);
  move({ part: "confirming" });
};

const keyOf = (id: string): string => `absent/${id}`;

/** Checks one absentee by its id. If Okta has no such asset, it was deleted; if it has, the list was behind. */
const confirmById = async (context: SliceContext, id: string): Promise<StepOutcome> => {
  const { definition, connection, inventory, run, api } = context;
  const { source, store, name } = definition;
  const readAt = context.now();
  const answer = await source.one(api, inventory, id, connection.profileAttributes);
  if (!answer.ok && !concernsOne(answer.error)) {
    if (lasting(answer.error, run) === null) return { next: "wait", error: answer.error };
    return postpone(context, keyOf(id), answer.error, () => inventory.sweeps.dropAbsentee(id));
  }
  return context.commit(() => {
    inventory.sweeps.dropAbsentee(id);
    if (!answer.ok) return;
    const record = answer.value;
    if (record !== null) run.changes.still_there += 1;
    if (record === null) {
      if (bury(context, id)) run.changes.deleted += 1;
    } else if (record.ok) {
      store.file(inventory, [record.value], { now: api.serverNow(), readAt, cause: "search" });
    } else {
      inventory.quarantine.add(record.error, `${name}/${id}`);
    }
    inventory.history.settle("asset", [id]);
  }, AGAIN);
};
