/** The step before all others: making sure that the org is the one whose inventory is stored. */
import type { OrgVerdict } from "../contract/org.ts";
import { oktaError } from "../okta/errors.ts";
import { ASK_AGAIN_MS } from "./org-identity.ts";
import { AGAIN, type SliceContext, type StepOutcome } from "./step.ts";

const ENDPOINT = "GET /.well-known/okta-organization";

/** Why a run may not read from the org, and what to do about it. */
export const orgChangedMessage =
  "Another Okta org answers at the connection's base URL. Nothing is read from it, and nothing is deleted.";

/** What follows from the org's identity before anything is read. @returns null if the run may read from the org */
export const refusalOf = (verdict: OrgVerdict, { now }: Pick<SliceContext, "now">): StepOutcome | null => {
  if (verdict === "changed") {
    return { next: "hold", code: "org_changed", message: orgChangedMessage, resumeAt: now() + ASK_AGAIN_MS };
  }
  if (verdict !== "waiting") return null;
  const what = "the base URL or the credential has changed, and the org does not say whether it is the same";
  return { next: "wait", error: oktaError(ENDPOINT, "unavailable", what) };
};

/**
 * Asks the org who it is where that is due: at the beginning of a full run, before the log is polled for the first
 * time (another org would refuse a cursor), and after the base URL or the credential has changed.
 * @returns null if nothing is to be done, so that the run's phase continues
 */
export const orgStep = async (context: SliceContext): Promise<StepOutcome | null> => {
  const { org, run, api, meta, now } = context;
  const known = org.known();
  const asks = run.kind === "full" || meta.get("log")?.next === null;
  const isDue = known === null || (asks && run.orgAskedAt === null && known !== "changed");
  if (!isDue) return refusalOf(known, context);
  const verdict = await org.ask(api);
  if (!verdict.ok) return { next: "wait", error: verdict.error };
  const note = () => {
    run.orgAskedAt = now();
  };
  const noted = context.commit(note, AGAIN, { progress: verdict.value === "same" });
  return refusalOf(verdict.value, context) ?? noted;
};
