/** Devices, with the users linked to each in the same page. */
import { isForbidden } from "../../okta/errors.ts";
import { parseDevice } from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import { DONE, listStep, type Phase, type StepContext, type StepOutcome, SUPERSEDED } from "../step.ts";
import { closeListing, notePage } from "./listing.ts";

export const DEVICES_LISTING = "devices";

export const devicesPhase: Phase = async (context) => {
  const { inventory, run, api } = context;
  const outcome = await listStep(
    context,
    (request) => api.devices(request),
    { limit: String(PAGE.devices), expand: "userSummary" },
    (page, number) => {
      const records = notePage(context, DEVICES_LISTING, page, number, parseDevice);
      inventory.quarantine.clear(records.map(({ id }) => id));
      run.changes.full += inventory.assets.file(records).size;
    },
  );
  if (outcome.next === "failed") {
    const { code } = outcome.error;
    const refused = isForbidden(outcome.error) || code === "not_found" || code === "bad_request";
    return refused ? unavailable(context, outcome.error.message) : { next: "wait", error: outcome.error };
  }
  if (outcome.next !== "done") return outcome;
  const committed = context.commit(() => closeListing(context));
  return committed ? DONE : SUPERSEDED;
};

/** No devices here: says why, as exactly as Okta lets us. */
const unavailable = async (context: StepContext, refusal: string): Promise<StepOutcome> => {
  const organization = await context.api.organization();
  const classic = organization.ok && organization.value.pipeline === "v1";
  const message = classic
    ? "The org runs on Okta Classic Engine; Okta lists devices on Identity Engine orgs only. The users stream is not affected."
    : `Okta refuses the list of devices (${refusal}). Grant the scope okta.devices.read, or give the token's owner a role that may read devices.`;
  return { next: "stop", code: "unavailable", message };
};
