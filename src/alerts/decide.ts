/** Which alerts follow from what a stream reports, for one channel. Pure. */
import type { AlertChannel } from "../config/alert-channels.ts";
import type { Alert, ReportedChange, ReportedNeed, StreamReport } from "../contract/alerts.ts";
import type { Attention } from "../contract/status.ts";
import type { StreamName } from "../contract/streams.ts";

/** What a channel has been told and not taken back. */
export interface Told {
  readonly alert: Alert;
  /** When it was told last, ms since the epoch. */
  readonly at: number;
  /** What it was about then. */
  readonly about: readonly string[];
}

/** What follows from a report. */
export interface Decision {
  /** To be told, and to be remembered as told. */
  readonly tell: readonly Told[];
  /** To be taken back: what needed a person has ended. */
  readonly resolve: readonly Alert[];
  /** To be remembered, without telling: it concerns fewer things than before. */
  readonly note: readonly Told[];
  /** Changes to be told, which are not remembered. */
  readonly changes: readonly Alert[];
}

/** Where an alert comes from. */
export interface Origin {
  readonly connection: string;
  /** The Worker's own address; null if it is not known. */
  readonly publicUrl: string | null;
}

/** What is still so is told again after this, ms. */
const AGAIN_AFTER_MS = 86_400_000;

const SINK_CODES: ReadonlySet<string> = new Set(["sink_stopped", "sink_refusing", "dead_letters"]);

/** The page of the console that shows it. */
const linkOf = (
  { connection, publicUrl }: Origin,
  path: string,
  query: Readonly<Record<string, string>> = {},
) => (publicUrl === null ? null : `${publicUrl}${path}?${new URLSearchParams({ ...query, connection })}`);

const pageOf = (code: string): string => {
  if (SINK_CODES.has(code)) return "/console/sinks";
  return code === "misconfigured" ? "/console/connection" : "/console/streams";
};

/** What needs a person, as an alert. */
export const attentionAlert = (need: Attention, stream: StreamName, origin: Origin): Alert => {
  const { code, severity, detail, remedy, since } = need;
  const { connection } = origin;
  return {
    code,
    severity,
    detail,
    remedy,
    connection,
    stream,
    since,
    resolved: false,
    link: linkOf(origin, pageOf(code)),
  };
};

/** A need as an alert. Without `names`, it repeats nothing that Okta or a receiver has said. */
const alertOf = (need: ReportedNeed, names: boolean, { stream }: StreamReport, origin: Origin): Alert => {
  const { code, severity, remedy } = need;
  const detail = names ? need.detail : (need.brief ?? need.detail);
  return attentionAlert(
    { code, severity, detail, remedy, since: new Date(need.since).toISOString() },
    stream,
    origin,
  );
};

const words: Readonly<Record<ReportedChange["code"], readonly [one: string, many: string]>> = {
  admin_granted: ["person was given an administrator role", "people were given an administrator role"],
  admin_mfa_reset: ["administrator had an MFA factor removed", "administrators had an MFA factor removed"],
  admin_suspended: ["administrator was suspended", "administrators were suspended"],
};

/** So many people are named in one alert. */
const MOST_NAMED = 10;

/** Changes of one code as one alert. */
const changeAlert = (
  code: ReportedChange["code"],
  changes: readonly ReportedChange[],
  names: boolean,
  report: StreamReport,
  origin: Origin,
): Alert => {
  const count = changes.reduce((sum, change) => sum + change.count, 0);
  const [one, many] = words[code];
  const named = [...new Set(changes.flatMap((change) => change.names))];
  const shown = named.slice(0, MOST_NAMED).join(", ");
  const more = count > Math.min(named.length, MOST_NAMED) ? ", and others" : "";
  const authors = [...new Set(changes.flatMap(({ by }) => by ?? []))];
  const by = authors.length === 0 ? "" : ` (by ${authors.slice(0, MOST_NAMED).join(", ")})`;
  return {
    code,
    severity: "warning",
    detail: `${count.toLocaleString("en")} ${count === 1 ? one : many}${names && shown !== "" ? `: ${shown}${more}${by}` : ""}.`,
    remedy:
      "If nobody expected this, look who did it: the person's history, and Okta's System Log (Reports > System Log), name the actor.",
    connection: origin.connection,
    stream: report.stream,
    since: new Date(Math.min(...changes.map(({ at }) => at))).toISOString(),
    resolved: false,
    link: linkOf(origin, "/console/inventory/users", { admin: "true" }),
  };
};

/**
 * Decides what a channel is to be told.
 * - a need is told when it is new, when it concerns something that it did not concern before (another sink, another kind
 *   of fact), and again after a day
 * - it is taken back once it has ended; what is said of sinks only by a report that has asked them
 * @param told what the channel has been told of this stream
 * @param now ms since the epoch
 */
export const decide = (
  channel: Pick<AlertChannel, "codes" | "names">,
  report: StreamReport,
  told: readonly Told[],
  origin: Origin,
  now: number,
): Decision => {
  const { codes, names } = channel;
  const before = new Map(told.map((one) => [one.alert.code, one]));
  const needs = report.needs.filter(({ code }) => codes?.includes(code) ?? true);
  const tell: Told[] = [];
  const note: Told[] = [];
  for (const need of needs) {
    const was = before.get(need.code);
    const about = need.about ?? [];
    const isDue =
      was === undefined || now - was.at >= AGAIN_AFTER_MS || about.some((one) => !was.about.includes(one));
    if (isDue) tell.push({ alert: alertOf(need, names, report, origin), at: now, about });
    else if (about.length < was.about.length) note.push({ ...was, about });
  }
  const isOpen = (code: string): boolean =>
    report.needs.some((need) => need.code === code) || (SINK_CODES.has(code) && !report.sinksAsked);
  const changes = [...new Set(report.changes.map(({ code }) => code))]
    .filter((code) => codes?.includes(code) ?? false)
    .map((code) =>
      changeAlert(
        code,
        report.changes.filter((change) => change.code === code),
        names,
        report,
        origin,
      ),
    );
  return {
    tell,
    note,
    resolve: told
      .filter(({ alert }) => !isOpen(alert.code))
      .map(({ alert }) => ({ ...alert, resolved: true })),
    changes,
  };
};
