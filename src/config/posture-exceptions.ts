/** POSTURE_EXCEPTIONS: groups whose members a check of posture counts apart. */
import * as z from "zod";
import { type CheckId, postureChecks } from "../contract/posture.ts";
import { isPlainObject } from "../lib/json.ts";
import { oncePerEnv } from "./once.ts";
import { refused, sentence, settingProblem, validLooksLike } from "./problem.ts";
import type { Setting, SettingProblem } from "./types.ts";
import { jsonOf, notJson, type RawEnv } from "./values.ts";

/** The members of a group are excepted from a check. */
export interface PostureException {
  readonly check: CheckId;
  readonly groupId: string;
  /** When it ends, ms since the epoch; null: never. */
  readonly until: number | null;
  readonly reason: string;
}

const example =
  '[{"check": "admin_without_mfa", "group_id": "00g1a2b3c4d5e6f7g8h9", "until": "2026-12-31", "reason": "Break-glass accounts"}]';
const MOST = 100;
const DAY_MS = 86_400_000;

/** Groups have users, so only checks of users have exceptions. */
const userChecks = postureChecks.flatMap(({ id, stream }) => (stream === "users" ? [id] : []));
const checkMessage = `it must be a check of users: ${userChecks.join(", ")}`;
const groupMessage = "it must be the id of a group, for example 00g1a2b3c4d5e6f7g8h9";
const untilMessage = "it must be a day or a time in ISO 8601, for example 2026-12-31 or 2026-12-31T18:00:00Z";
const reasonMessage = "it must say why, in 1 to 200 characters, for example Break-glass accounts";

const day = z.iso.date();
/** A day ends at its last moment in UTC. */
const endOf = (text: string): number =>
  day.safeParse(text).success ? Date.parse(text) + DAY_MS : Date.parse(text);

const entrySchema = z.object({
  check: z.enum(userChecks, checkMessage),
  group_id: z.string(groupMessage).regex(/^[A-Za-z0-9_-]{1,64}$/, groupMessage),
  until: z
    .union([day, z.iso.datetime({ offset: true })], untilMessage)
    .transform(endOf)
    .optional(),
  reason: z.string(reasonMessage).trim().min(1, reasonMessage).max(200, reasonMessage),
});
const known = Object.keys(entrySchema.shape);

const readEntry = (entry: unknown, path: string): PostureException | readonly SettingProblem[] => {
  const problem = (at: string, message: string): SettingProblem => ({
    setting: at,
    message: sentence(message),
  });
  if (!isPlainObject(entry)) return [problem(path, `it is not an object; ${validLooksLike(example)}`)];
  const strangers = Object.keys(entry).filter((key) => !known.includes(key));
  const read = entrySchema.safeParse(entry);
  const problems = [
    ...(read.error?.issues ?? []).map(({ path: keys, message }) =>
      problem([path, ...keys.map(String)].join("."), message),
    ),
    ...strangers.map((key) =>
      problem(`${path}.${key.slice(0, 64)}`, `there is no such key; known keys are ${known.join(", ")}`),
    ),
  ];
  if (!read.success || problems.length > 0) return problems;
  const { check, group_id: groupId, until = null, reason } = read.data;
  return { check, groupId, until, reason };
};

const isException = (read: PostureException | readonly SettingProblem[]): read is PostureException =>
  "check" in read;

/** Reads POSTURE_EXCEPTIONS. One wrong entry makes the whole setting wrong: what it was to except is not known. */
export const readPostureExceptions = (env: RawEnv): Setting<readonly PostureException[]> => {
  const name = "POSTURE_EXCEPTIONS";
  const json = jsonOf(env, name);
  if (!json.ok) return refused(settingProblem(name, notJson(json.error, example)));
  if (json.value === null) return { ok: true, value: [] };
  if (!Array.isArray(json.value))
    return refused(settingProblem(name, ["it is not a JSON list", validLooksLike(example)]));
  if (json.value.length > MOST) return refused(settingProblem(name, [`it may have ${MOST} entries at most`]));
  const read = json.value.map((entry, index) => readEntry(entry, `${name}[${index}]`));
  const problems = read.flatMap((entry) => (isException(entry) ? [] : entry));
  return problems.length > 0 ? refused(...problems) : { ok: true, value: read.filter(isException) };
};

/** The exceptions of this env, read once. */
export const postureExceptionsOf = oncePerEnv(readPostureExceptions);
