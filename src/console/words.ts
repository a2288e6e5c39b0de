/** Numbers, times and states in plain words. Pure. */
import type { RunDocument, StreamStatus } from "../contract/status.ts";

export const number = (n: number): string => n.toLocaleString("en");

/** `1 user`, `2 users`. */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${number(n)} ${n === 1 ? one : many}`;

export const percent = (part: number, whole: number): string => {
  if (whole === 0) return "0 %";
  const share = (part / whole) * 100;
  if (share > 0 && share < 1) return "< 1 %";
  if (share < 100 && share > 99) return "> 99 %";
  return `${Math.round(share)} %`;
};

/** A duration in the two largest units that matter: `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d`. */
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

/** How long ago, or how long until, as the client's script says it, too. */
export const ago = (at: number, now: number): string => {
  const seconds = Math.round((now - at) / 1000);
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `${roughly(seconds)} ago` : `in ${roughly(-seconds)}`;
};

/** In one unit: an age need not be exact. */
const roughly = (s: number): string => {
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3_600) return `${Math.floor(s / 3_600)} h`;
  return `${number(Math.floor(s / 86_400))} d`;
};

/** `2025-01-15 02:00:30 UTC`: what stands there until the viewer's zone is known. */
export const utc = (iso: string): string => {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? iso : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
};

const phases: Readonly<Record<string, string>> = {
  groups: "Reading groups",
  group_roles: "Reading the roles that groups give",
  assignees: "Finding administrators",
  memberships: "Reading who is in which group",
  users: "Reading users",
  user_groups: "Reading each user's groups",
  admin_roles: "Reading administrators' roles",
  factors: "Reading MFA factors",
  devices: "Reading devices",
  log_start: "Marking the place in the System Log",
  log: "Reading the System Log",
  searches: "Searching for changes",
  refetch: "Reading again what changed",
  rolling: "Refreshing the oldest facts",
  deletions: "Confirming deletions",
};

/** What a run's phase does. */
export const phaseWords = (phase: string): string => phases[phase] ?? phase;

const causes: Readonly<Record<RunDocument["cause"], string>> = {
  cron: "on schedule",
  request: "asked for",
  first: "the first one",
  gap: "after a gap in the System Log",
};

export const causeWords = (cause: RunDocument["cause"]): string => causes[cause];

export const runStates: Readonly<Record<RunDocument["state"], string>> = {
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  held: "Done, deletions held back",
};

/** Which colour a state has; the words beside it say the same. */
export type Tone = "good" | "busy" | "warn" | "bad" | "mute";

export const runTones: Readonly<Record<RunDocument["state"], Tone>> = {
  running: "busy",
  done: "good",
  failed: "bad",
  cancelled: "mute",
  held: "warn",
};

/** A stream's state in a few words. */
export const streamWords = (status: StreamStatus): { readonly words: string; readonly tone: Tone } => {
  switch (status.state) {
    case "running":
      return {
        words: status.run?.kind === "delta" ? "Reading what changed" : "Reading everything",
        tone: "busy",
      };
    case "backing_off":
      return { words: "Waiting after an error", tone: "warn" };
    case "held":
      return { words: "Deletions wait for you", tone: "warn" };
    case "failed":
      return { words: "Failed", tone: "bad" };
    case "unavailable":
      return { words: "Not available in this org", tone: "mute" };
    case "idle":
      return status.last_full === null
        ? { words: "Never run", tone: "mute" }
        : { words: "Up to date", tone: "good" };
  }
};

/** Calls a minute so far; null when it is too early to tell. */
export const callRate = (run: RunDocument, now: number): number | null => {
  const end = run.finished_at === null ? now : Date.parse(run.finished_at);
  const minutes = (end - Date.parse(run.started_at)) / 60_000;
  return minutes < 1 / 60 ? null : Math.round(run.calls.made / minutes);
};

/** Seconds that a run took, or takes so far. */
export const runSeconds = (run: RunDocument, now: number): number =>
  Math.max(
    0,
    ((run.finished_at === null ? now : Date.parse(run.finished_at)) - Date.parse(run.started_at)) / 1000,
  );

/** Everything that a run changed. */
export const changesOf = ({ changes }: RunDocument): number =>
  changes.log + changes.search + changes.rolling + changes.full + changes.deleted;

/** What a run has changed so far, by how it was noticed. */
export const changesWords = ({ changes }: RunDocument): string => {
  const parts = [
    [changes.log, "noticed in the log"],
    [changes.search, "found by search"],
    [changes.rolling, "refreshed by age"],
    [changes.full, "new or changed"],
    [changes.deleted, "deleted"],
  ] as const;
  const some = parts.filter(([n]) => n > 0).map(([n, how]) => `${number(n)} ${how}`);
  return some.length === 0 ? "Nothing changed so far" : some.join(", ");
};

const statuses: Readonly<Record<string, Tone>> = {
  ACTIVE: "good",
  SUSPENDED: "warn",
  LOCKED_OUT: "warn",
  DEACTIVATED: "mute",
  DEPROVISIONED: "mute",
};

export const statusTone = (status: string): Tone => statuses[status] ?? "mute";

/** `PASSWORD_EXPIRED` → `Password expired`; what is not spelt like that stays as it is. */
export const spelled = (word: string): string =>
  /^[A-Z][A-Z_]*$/.test(word) ? word.charAt(0) + word.slice(1).toLowerCase().replaceAll("_", " ") : word;

/** What changes how its neighbours look, or is not seen at all; joiners are part of names and emoji. */
const invisible = /[\p{Cc}\u200B\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

const codeOf = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");

/** Text in which nothing hides: `U+202E` would turn `gnp.exe` into `exe.png`, so it is shown by its code. */
export const visible = (text: string): string =>
  text.replaceAll(/[\t\n\r]+/g, " ").replaceAll(invisible, (character) => `⟨U+${codeOf(character)}⟩`);

/** JSON in which nothing hides, and which is still the same JSON. */
export const visibleJson = (json: string): string =>
  json.replaceAll(invisible, (character) =>
    character === "\n" ? character : `\\u${codeOf(character).toLowerCase()}`,
  );

/** The first `length` characters, whole ones, and `…` when there was more. */
export const shortened = (text: string, length: number): string => {
  if (text.length <= length) return text;
  const cut = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut}…`;
};
