/** Where the Durable Objects of a deployment are: chosen once, because they never move. Pure. */
import { settingProblem } from "../config/problem.ts";
import type { SettingProblem } from "../config/types.ts";
import type { ChosenResidency } from "../contract/connections.ts";

interface Circumstances {
  /** Whether the settings name any connection, or may name one that cannot be read. */
  readonly hasConnections: boolean;
  /** Whether the Registry outside of any jurisdiction knows connections. */
  readonly hadConnections: boolean;
}

/** Where a deployment from before these settings has its objects. */
const nowhereInParticular: ChosenResidency = { jurisdiction: null, locationHint: null };

/**
 * What is chosen, given what was remembered:
 * - What was chosen stays.
 * - Connections without a choice are from a version that knew none.
 * - The first setting under which there is a connection is the choice.
 * - Without connections nothing is placed yet, so nothing is chosen.
 */
export const chosenResidency = (
  remembered: ChosenResidency | null,
  setting: ChosenResidency,
  { hasConnections, hadConnections }: Circumstances,
): ChosenResidency | null => {
  if (remembered !== null) return remembered;
  if (hadConnections) return nowhereInParticular;
  return hasConnections ? setting : null;
};

const remedy = (name: string, before: string | null): string => {
  const back = before === null ? `take ${name} out of the settings again` : `set ${name} back to ${before}`;
  return (
    `${back}; or, to choose anew, do that and then take all connections out of the settings, purge them, and change ` +
    `${name} after the next cron; or deploy under another name of the Worker`
  );
};

const whatHappened = (name: string, before: string | null, now: string | null): string => {
  const began = before === null ? `without ${name}` : `with ${name} ${before}`;
  return `this deployment has begun ${began}, and it is ${now === null ? "not set" : now} now`;
};

const nothingElse = "as long as it is so, nothing is read, answered or delivered, and nothing is lost";

const jurisdictionProblem = (before: string | null, now: string | null): SettingProblem => {
  const there = before === null ? "outside of any jurisdiction" : `in ${before}`;
  const elsewhere = now === null ? "outside of any jurisdiction" : `in ${now}`;
  return settingProblem("DATA_JURISDICTION", [
    whatHappened("DATA_JURISDICTION", before, now),
    `Durable Objects do not move: an empty inventory would begin ${elsewhere}, and what is stored would stay ${there}, ` +
      "at rest and not updated any more",
    nothingElse,
    remedy("DATA_JURISDICTION", before),
  ]);
};

const hintProblem = (before: string | null, now: string | null): SettingProblem =>
  settingProblem("LOCATION_HINT", [
    whatHappened("LOCATION_HINT", before, now),
    "Durable Objects do not move: what is stored would stay where it is, and only what is stored anew would be elsewhere",
    nothingElse,
    remedy("LOCATION_HINT", before),
  ]);

/** What is wrong with settings that differ from the choice; nothing if they do not. */
export const residencyProblems = (
  chosen: ChosenResidency | null,
  setting: ChosenResidency,
): readonly SettingProblem[] => {
  if (chosen === null) return [];
  return [
    ...(chosen.jurisdiction === setting.jurisdiction
      ? []
      : [jurisdictionProblem(chosen.jurisdiction, setting.jurisdiction)]),
    ...(chosen.locationHint === setting.locationHint
      ? []
      : [hintProblem(chosen.locationHint, setting.locationHint)]),
  ];
};
