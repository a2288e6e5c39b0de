/** Assets that a complete listing left out: each is confirmed by its id before it is called deleted. */
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import { parseDevice, parseUser } from "../../okta/records.ts";
import {
  AGAIN,
  DONE,
  forEachAsset,
  lasting,
  type Phase,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
} from "../step.ts";
import { DEVICES_LISTING } from "./devices.ts";
import { fileUsers, USERS_LISTING } from "./users.ts";

const BATCH = 200;
const DAY_MS = 86_400_000;

export const deletionsPhase: Phase = async (context) => {
  const { inventory, run, stream, connection } = context;
  if (run.cursor.part === undefined) {
    const listing = stream === "users" ? USERS_LISTING : DEVICES_LISTING;
    const listed = run.phases.includes(stream); // only a complete listing of this run tells who is absent
    const committed = context.commit(() => {
      inventory.assets.expireTombstones(context.now() - TOMBSTONE_DAYS * DAY_MS);
      if (listed) {
        const known = inventory.assets.counts().total;
        const absent = inventory.sweeps.findAbsentees(listing);
        const emptied = inventory.sweeps.size(listing) === 0;
        if (!emptied && absent <= connection.deletionGuard * known) inventory.sweeps.confirmAbsentees();
        inventory.sweeps.begin(listing);
      }
      run.cursor = { part: "confirming" };
    });
    return committed ? AGAIN : SUPERSEDED;
  }
  const ids = inventory.sweeps.nextAbsentees(BATCH);
  if (ids.length === 0) return DONE;
  return forEachAsset(context, ids, (id) => confirmById(context, id));
};

/** One absentee by its id: 404 is a deletion, an answer shows that the listing was behind. */
export const confirmById = async (context: StepContext, id: string): Promise<StepOutcome> => {
  const { inventory, run, stream, api } = context;
  const record = stream === "users" ? await api.user(id) : await api.device(id);
  if (!record.ok && record.error.code !== "not_found") {
    if (lasting(record.error, run) === null) return { next: "wait", error: record.error };
    return context.commit(() => inventory.sweeps.dropAbsentee(id)) ? AGAIN : SUPERSEDED;
  }
  const committed = context.commit(() => {
    inventory.sweeps.dropAbsentee(id);
    if (record.ok) refile(context, record.value);
    else if (inventory.bury(id, stream)) run.changes.deleted += 1;
  });
  return committed ? AGAIN : SUPERSEDED;
};

const refile = (context: StepContext, record: unknown): void => {
  if (context.stream === "users") {
    const user = parseUser(record);
    if (user.ok) fileUsers(context, [user.value]);
  } else {
    // Without its linked users the record would say less than what is known: the next listing brings it whole.
    const device = parseDevice(record);
    if (!device.ok) context.inventory.quarantine.add(device.error, "devices/by-id");
  }
};
