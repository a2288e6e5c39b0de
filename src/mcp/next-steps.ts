/** What a person could do about an account, by what is known of it. Nothing of it is done here. Pure. */
import * as z from "zod";
import type { CheckOfAsset } from "../contract/posture.ts";
import type { Extracted, OktaAnswer } from "../enrichment/answer.ts";

export const stepSchema = z.object({
  action: z.enum([
    "suspend",
    "clear_sessions",
    "confirm_with_the_person",
    "reset_authenticators",
    "review_roles",
    "enroll_mfa",
    "unlock",
    "deactivate",
    "restore_permission",
    "nothing",
  ]),
  why: z.string(),
  how: z.string().describe("What a person does in Okta. The connector cannot do it."),
});
export type Step = z.infer<typeof stepSchema>;

const PAGE = "In Okta's Admin Console, open Directory > People and the account.";

const steps = {
  suspend: (why) => ({
    action: "suspend",
    why,
    how: `${PAGE} Choose More Actions > Suspend. It can be undone.`,
  }),
  clear_sessions: (why) => ({
    action: "clear_sessions",
    why,
    how: `${PAGE} Choose More Actions > Clear User Sessions, also for applications.`,
  }),
  confirm_with_the_person: (why) => ({
    action: "confirm_with_the_person",
    why,
    how: "Ask the person, or who made the change, over a channel that does not depend on this account.",
  }),
  reset_authenticators: (why) => ({
    action: "reset_authenticators",
    why,
    how: `${PAGE} Choose More Actions > Reset Authenticators, those that the person does not know.`,
  }),
  review_roles: (why) => ({
    action: "review_roles",
    why,
    how: `${PAGE} Look at Admin roles, and revoke what is not needed; or remove the account from the group that gives the role.`,
  }),
  enroll_mfa: (why) => ({
    action: "enroll_mfa",
    why,
    how: "Have the person enroll a factor, best one that resists phishing, or require it in the authenticator enrollment policy.",
  }),
  unlock: (why) => ({
    action: "unlock",
    why,
    how: `${PAGE} Once it is clear who failed to sign in, choose More Actions > Unlock.`,
  }),
  deactivate: (why) => ({
    action: "deactivate",
    why,
    how: `${PAGE} If nobody needs the account any more, choose More Actions > Deactivate.`,
  }),
  restore_permission: (why) => ({
    action: "restore_permission",
    why,
    how: "Ask for inventory_health: `attention` says what the connector may not read, and what to do about it.",
  }),
  nothing: (why) => ({ action: "nothing", why, how: "Nothing is called for by what the connector knows." }),
} as const satisfies Record<Step["action"], (why: string) => Step>;

/** What is told of an account. */
interface Told extends Pick<OktaAnswer, "verdict" | "incomplete"> {
  /** Null if no single account has the name. */
  readonly account: Extracted | null;
  readonly checks: readonly CheckOfAsset[];
}

/** The steps that what is known suggests, the most urgent first. `nothing` is only there alone. */
export const nextSteps = ({ account, verdict, incomplete, checks }: Told): Step[] => {
  if (account === null)
    return [
      {
        action: "nothing",
        why: "The inventory knows no single account of this name.",
        how: "lookup_account asks Okta itself; with an id or a whole login it cannot be several.",
      },
    ];
  const holds = (id: CheckOfAsset["id"]) => checks.some((check) => check.id === id && check.holds === true);
  const isUsable = !["SUSPENDED", "DEPROVISIONED"].includes(account.status ?? "");
  const found: Step[] = [];
  if (verdict === "Malicious" && isUsable)
    found.push(
      steps.suspend("Your rules call it malicious."),
      steps.clear_sessions("Sessions outlive a suspension."),
    );
  if (verdict === "Suspicious") found.push(steps.confirm_with_the_person("Your rules call it suspicious."));
  if (holds("new_factor_24h"))
    found.push(
      steps.confirm_with_the_person("A factor was enrolled in the last 24 hours."),
      steps.reset_authenticators("If the new factor is not the person's, it is the way back in."),
    );
  if (holds("new_admin_7d"))
    found.push(steps.review_roles("It got an administrator role in the last 7 days."));
  if (holds("admin_without_mfa")) found.push(steps.enroll_mfa("It is an administrator without MFA."));
  else if (holds("active_without_mfa")) found.push(steps.enroll_mfa("It is active without MFA."));
  else if (holds("weak_mfa_only"))
    found.push(steps.enroll_mfa("All its factors can be talked out of the person."));
  if (holds("suspended_admin"))
    found.push(steps.review_roles("It is suspended and still has an administrator role."));
  if (holds("dormant_admin_30d"))
    found.push(steps.review_roles("It is an administrator who has not signed in for 30 days."));
  if (holds("locked_out")) found.push(steps.unlock("It is locked out."));
  // What somebody has just done to an account is no reason to do away with it.
  const isInUse = holds("new_factor_24h") || holds("new_admin_7d");
  if (holds("dormant_90d") && !isInUse) found.push(steps.deactivate("It has not signed in for 90 days."));
  if (holds("never_signed_in_30d") && !isInUse)
    found.push(steps.deactivate("It was created more than 30 days ago and has never signed in."));
  if (incomplete.some(({ reason }) => reason === "forbidden" || reason === "failed"))
    found.push(steps.restore_permission("Some facts could not be read."));
  return found.length > 0 ? found : [steps.nothing("No check and no rule speaks against it.")];
};

/**
 * The account's page in Okta's Admin Console; null where the console's address does not follow from the org's.
 * @param baseUrl the org's origin
 */
export const adminConsoleUrl = (baseUrl: string, userId: string): string | null => {
  const { hostname } = new URL(baseUrl);
  const [, name, domain] =
    /^([a-z0-9-]+)\.(okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com)$/.exec(hostname) ?? [];
  if (name === undefined || !/^[A-Za-z0-9]+$/.test(userId)) return null;
  return `https://${name}-admin.${domain}/admin/user/profile/view/${userId}`;
};
