/** How every org is treated, whichever connection it belongs to. */
import { readIgnoredFactors } from "./factors.ts";
import { allOf, problemsOf } from "./problem.ts";
import { readProfileAttributes } from "./profile-attributes.ts";
import type { Connection, Setting, SettingProblem } from "./types.ts";
import { flagSetting, numberSetting, type RawEnv } from "./values.ts";

export type Treatment = Omit<Connection, "id" | "baseUrl" | "credential">;

interface ReadTreatment {
  readonly treatment: Setting<Treatment>;
  /** OKTA_RATE_LIMIT_SHARE, or its default while that is invalid. */
  readonly rateLimitShare: number;
  /** What is wrong with the settings that only runs need. */
  readonly runProblems: readonly SettingProblem[];
}

const DEFAULT_SHARE = 0.5;

const valueOr = <T>(setting: Setting<T>, fallback: T): T => (setting.ok ? setting.value : fallback);

/**
 * Reads OKTA_RATE_LIMIT_SHARE, MFA_IGNORED_FACTORS, PROFILE_ATTRIBUTES, DELETION_GUARD, REFRESH_DAYS,
 * HISTORY_DAYS, SUBREQUESTS_PER_SLICE, and whether ALLOW_LOOPBACK is valid.
 *
 * While a setting that only runs need is invalid, everything else keeps working: with the defaults, and with a
 * guard of 0, so that the runs that the cron starts leave every absence to a person.
 */
export const readTreatment = (env: RawEnv): ReadTreatment => {
  const deletionGuard = numberSetting(env, "DELETION_GUARD", { default: 0.2, min: 0, max: 1 });
  const refreshDays = numberSetting(env, "REFRESH_DAYS", { default: 7, min: 1, max: 365, whole: true });
  const historyDays = numberSetting(env, "HISTORY_DAYS", { default: 90, min: 0, max: 3650, whole: true });
  const subrequestsPerSlice = numberSetting(env, "SUBREQUESTS_PER_SLICE", {
    default: 40,
    min: 1,
    max: 9000,
    whole: true,
  });
  const share = numberSetting(env, "OKTA_RATE_LIMIT_SHARE", {
    default: DEFAULT_SHARE,
    min: 0,
    max: 1,
    aboveMin: true,
  });
  const needed = allOf({
    loopback: flagSetting(env, "ALLOW_LOOPBACK"),
    rateLimitShare: share,
    mfaIgnoredFactors: readIgnoredFactors(env),
    profileAttributes: readProfileAttributes(env),
  });
  const treatment: Setting<Treatment> = needed.ok
    ? {
        ok: true,
        value: {
          rateLimitShare: needed.value.rateLimitShare,
          mfaIgnoredFactors: needed.value.mfaIgnoredFactors,
          profileAttributes: needed.value.profileAttributes,
          deletionGuard: valueOr(deletionGuard, 0),
          refreshDays: valueOr(refreshDays, 7),
          historyDays: valueOr(historyDays, 90),
          subrequestsPerSlice: valueOr(subrequestsPerSlice, 40),
        },
      }
    : needed;
  return {
    treatment,
    rateLimitShare: valueOr(share, DEFAULT_SHARE),
    runProblems: [deletionGuard, refreshDays, historyDays, subrequestsPerSlice].flatMap(problemsOf),
  };
};
