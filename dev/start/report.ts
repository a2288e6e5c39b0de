/** What is shown after the first run. Pure. */
import type { StreamStatus } from "../../src/contract/status.ts";
import { isPlainObject } from "../../src/lib/json.ts";
import { count, counted, duration } from "./numbers.ts";

const userOf = (event: unknown): Readonly<Record<string, unknown>> | null =>
  isPlainObject(event) && isPlainObject(event["user"]) ? event["user"] : null;

/** An event that shows much in a few lines: if possible, a person with MFA and one to three groups. */
export const sampleEvent = (events: readonly unknown[]): unknown => {
  const isTelling = (event: unknown): boolean => {
    const user = userOf(event);
    const groups = user?.["groups"];
    return user?.["has_mfa"] === true && Array.isArray(groups) && groups.length > 0 && groups.length <= 3;
  };
  return events.find(isTelling) ?? events[0];
};

/** The login of an event's user. */
export const loginOf = (event: unknown): string | null => {
  const name = userOf(event)?.["name"];
  return typeof name === "string" ? name : null;
};

const seconds = (from: string, to: string | null): string =>
  to === null ? "" : ` in ${duration((Date.parse(to) - Date.parse(from)) / 1000)}`;

/** What the inventory holds, and what the newest run cost. */
export const countLines = (streams: readonly StreamStatus[]): string[] =>
  streams.flatMap(({ stream, state, assets, last_full: full, last_delta: delta }) => {
    if (state === "unavailable") return [`${stream}: not available`];
    const unknown = Object.entries(assets.unknown).filter(([, n]) => n > 0);
    const parts = [
      `${count(assets.total)} ${stream}`,
      ...(assets.deleted > 0 ? [`${count(assets.deleted)} deleted`] : []),
      ...unknown.map(([fact, n]) => `${fact} unknown for ${count(n)}`),
      ...(assets.quarantined > 0 ? [counted(assets.quarantined, "unreadable record")] : []),
    ];
    const newest = delta !== null && (full === null || delta.started_at > full.started_at) ? delta : full;
    if (newest === null) return [parts.join(", ")];
    const calls = `${newest.kind} run: ${counted(newest.calls.made, "call")}${seconds(newest.started_at, newest.finished_at)}`;
    const by = Object.entries(newest.calls.by_endpoint).sort(([, a], [, b]) => b - a);
    return [
      `${parts.join(", ")} (${calls})`,
      ...by.map(([endpoint, n]) => `  ${count(n).padStart(7)}  ${endpoint}`),
    ];
  });

export interface Places {
  readonly origin: string;
  readonly key: string;
  /** A login to look up. */
  readonly login: string | null;
  readonly hasConsole: boolean;
  /** The address of the simulated org; null when the org is real. */
  readonly orgOrigin: string | null;
  /** The id of a user to suspend in the simulated org. */
  readonly userId: string | null;
}

/** The commands to try next, ready to paste. */
export const nextSteps = ({ origin, key, login, hasConsole, orgOrigin, userId }: Places): string => {
  const auth = `-H 'Authorization: Bearer ${key}'`;
  const account = encodeURIComponent(login ?? "someone@example.com")
    .replaceAll("%40", "@")
    .replaceAll("'", "%27");
  const steps = [
    ["Who is this account?", `curl ${auth} '${origin}/v1/enrichments/accounts/${account}'`],
    [
      "Export everything as NDJSON in OCSF 1.6.0, the oldest change first:",
      `curl ${auth} '${origin}/v1/inventory/users?limit=1000&dialect=ocsf'`,
    ],
    ["How is it going?", `curl ${auth} '${origin}/v1/streams'`],
    ...(orgOrigin === null || userId === null
      ? []
      : [
          [
            "Suspend somebody in the simulated org. Its event hook tells, and seconds later is_enabled is false in the event:",
            `curl -X POST '${orgOrigin}/_org/users/${userId}/suspend'`,
            `curl ${auth} '${origin}/v1/inventory/users/${userId}'`,
          ],
        ]),
    ["All routes:", `${origin}/docs`],
    ...(hasConsole ? [["The console, which asks for the key:", `${origin}/`, `key: ${key}`]] : []),
  ];
  return steps
    .map(([title, ...commands]) => [title, ...commands.map((line) => `  ${line}`)].join("\n"))
    .join("\n\n");
};

/** The id of an event's user. */
export const idOf = (event: unknown): string | null => {
  const uid = userOf(event)?.["uid"];
  return typeof uid === "string" ? uid : null;
};
