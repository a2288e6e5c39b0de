/** Numbers, times and states in words. Pure. */
import type { AttentionCode, RunDocument, StreamStatus } from "../contract/status.ts";

/** `1,234`. */
export const number = (n: number): string => n.toLocaleString("en");

/** `1 user`, `2 users`. */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${number(n)} ${n === 1 ? one : many}`;

/** A share in whole percent. A few are never shown as 0 %, and not quite all never as 100 %. */
export const percent = (part: number, whole: number): string => {
  if (whole === 0) return "0 %";
  const share = (part / whole) * 100;
  if (share > 0 && share < 1) return "< 1 %";
  if (share < 100 && share > 99) return "> 99 %";
  return `${Math.round(share)} %`;
};

/** A duration in its one or two largest units: `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d`. */
export const duration = (seconds: number): string => {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 10) return s % 60 === 0 ? `${min} min` : `${min} min ${s % 60} s`;
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 === 0 ? `${h} h` : `${h} h ${min % 60} min`;
  return `${Math.floor(h / 24)} d`;
};

/** How long ago `at` was, or how long it is until then, both in ms. The browser's script says it in the same words. */
export const ago = (at: number, now: number): string => {
  const seconds = Math.round((now - at) / 1000);
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `${roughly(seconds)} ago` : `in ${roughly(-seconds)}`;
};

/** A duration in one unit, which is exact enough for an age. */
const roughly = (s: number): string => {
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3_600) return `${Math.floor(s / 3_600)} h`;
  return `${number(Math.floor(s / 86_400))} d`;
};

/** `2025-01-15 02:00:30 UTC`: shown until the script knows the viewer's time zone. Other text stays as it is. */
export const utc = (iso: string): string => {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? iso : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
};

const phases: Readonly<Record<string, string>> = {
  groups: "Reading groups",
  group_roles: "Reading the roles that groups give",
  assignees: "Finding administrators",
  memberships: "Reading the members of groups",
  users: "Reading users",
  user_groups: "Reading each user's groups",
  admin_roles: "Reading administrators' roles",
  factors: "Reading MFA factors",
  devices: "Reading devices",
  log: "Reading the System Log",
  searches: "Searching for changes",
  refetch: "Reading what changed",
  rolling: "Refreshing the oldest facts",
  deletions: "Confirming deletions",
};

/** What a run does in a phase, in words. */
export const phaseWords = (phase: string): string => phases[phase] ?? phase;

const causes: Readonly<Record<RunDocument["cause"], string>> = {
  cron: "on schedule",
  request: "requested",
  first: "first run",
  hook: "event hook",
  gap: "to make up for what was missed",
};

/** Why a run began, in words. */
export const causeWords = (cause: RunDocument["cause"]): string => causes[cause];

/** The states of a run, in words. */
export const runStates: Readonly<Record<RunDocument["state"], string>> = {
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  held: "Done, deletions held",
};

/** The colour of a state. It never says anything that the words beside it do not. */
export type Tone = "good" | "busy" | "warn" | "bad" | "mute";

/** The colours of a run's states. */
export const runTones: Readonly<Record<RunDocument["state"], Tone>> = {
  running: "busy",
  done: "good",
  failed: "bad",
  cancelled: "mute",
  held: "warn",
};

/** A stream's state in a few words. */
export const streamWords = (status: StreamStatus): { readonly words: string; readonly tone: Tone } => {
  const needs = (wanted: AttentionCode): boolean => status.attention.some(({ code }) => code === wanted);
  switch (status.state) {
    case "running":
      return {
        words: status.run?.kind === "delta" ? "Reading what changed" : "Reading everything",
        tone: "busy",
      };
    case "backing_off":
      return { words: "Waiting after an error", tone: "warn" };
    case "held":
      return needs("org_changed")
        ? { words: "Another org answers", tone: "bad" }
        : { words: "Deletions wait for you", tone: "warn" };
    case "failed":
      return { words: "Failed", tone: "bad" };
    case "unavailable":
      return { words: "Not available in this org", tone: "mute" };
    case "idle":
      if (status.last_full === null) return { words: "Never run", tone: "mute" };
      if (needs("quota_exhausted")) return { words: "Quota used up", tone: "bad" };
      if (needs("stale")) return { words: "Not current", tone: "warn" };
      return needs("permission_lost")
        ? { words: "Permission lost", tone: "warn" }
        : { words: "Up to date", tone: "good" };
  }
};

/** Calls per minute so far; null in the first second, when it is too early to tell. */
export const callRate = (run: RunDocument, now: number): number | null => {
  const end = run.finished_at === null ? now : Date.parse(run.finished_at);
  const minutes = (end - Date.parse(run.started_at)) / 60_000;
  return minutes < 1 / 60 ? null : Math.round(run.calls.made / minutes);
};

/** How many seconds a run took, or has taken so far. */
export const runSeconds = (run: RunDocument, now: number): number =>
  Math.max(
    0,
    ((run.finished_at === null ? now : Date.parse(run.finished_at)) - Date.parse(run.started_at)) / 1000,
  );

/** The number of changes that a run has found. */
export const changesOf = ({ changes }: RunDocument): number =>
  changes.log + changes.search + changes.rolling + changes.full + changes.deleted;

/** The changes that a run has found, by how it found them. */
export const changesWords = ({ changes }: RunDocument): string => {
  const parts = [
    [changes.log, "found in the System Log"],
    [changes.search, "found by search"],
    [changes.rolling, "found by refreshing old facts"],
    [changes.full, "new or changed"],
    [changes.deleted, "deleted"],
  ] as const;
  const some = parts.filter(([n]) => n > 0).map(([n, how]) => `${number(n)} ${how}`);
  return some.length === 0 ? "No changes so far" : some.join(", ");
};

const statuses: Readonly<Record<string, Tone>> = {
  ACTIVE: "good",
  SUSPENDED: "warn",
  LOCKED_OUT: "warn",
  DEACTIVATED: "mute",
  DEPROVISIONED: "mute",
};

/** The colour of a status as Okta spells it. */
export const statusTone = (status: string): Tone => statuses[status] ?? "mute";

/** `PASSWORD_EXPIRED` → `Password expired`. Other text stays as it is. */
export const spelled = (word: string): string =>
  /^[A-Z][A-Z_]*$/.test(word) ? word.charAt(0) + word.slice(1).toLowerCase().replaceAll("_", " ") : word;

/** Characters that are not visible, or change how others are shown. Joiners are left out: names and emoji need them. */
const invisible = /[\p{Cc}\u200B\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

const codeOf = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");

/** Text with invisible characters shown as codes. `U+202E`, for example, would make `gnp.exe` look like `exe.png`. */
export const visible = (text: string): string =>
  text.replaceAll(/[\t\n\r]+/g, " ").replaceAll(invisible, (character) => `⟨U+${codeOf(character)}⟩`);

/** JSON with invisible characters escaped. It is still the same JSON. */
export const visibleJson = (json: string): string =>
  json.replaceAll(invisible, (character) =>
    character === "\n" ? character : `\\u${codeOf(character).toLowerCase()}`,
  );

/** The first `length` characters, and `…` when there are more. A character is never cut in half. */
export const shortened = (text: string, length: number): string => {
  if (text.length <= length) return text;
  const cut = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut}…`;
};
