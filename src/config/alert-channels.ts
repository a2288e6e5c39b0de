/** ALERTS: where alerts are sent. Each channel is judged by itself; a wrong one is left out and named. */
import * as z from "zod";
import { alertCodes, type ChangeCode, changeCodes } from "../contract/alerts.ts";
import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { connectionsOf } from "./connections.ts";
import { oncePerEnv } from "./once.ts";
import { checkOutboundUrl, urlProblemText } from "./outbound-url.ts";
import { sentence, settingProblem, validLooksLike } from "./problem.ts";
import { readPublicUrl } from "./public-url.ts";
import type { Setting, SettingProblem } from "./types.ts";
import { allowsLoopback, jsonOf, notJson, type RawEnv, textOf } from "./values.ts";

/** Where alerts are sent. */
export interface AlertChannel {
  readonly name: string;
  readonly type: "webhook" | "slack";
  /** The whole address, which is a secret. */
  readonly url: string;
  /** The codes that it wants; null: everything that needs a person, and no changes. */
  readonly codes: readonly string[] | null;
  /** Whether its alerts may name people. */
  readonly names: boolean;
  /** The ids of the connections that it is for; null: all. */
  readonly connections: readonly string[] | null;
}

export interface AlertChannels {
  readonly channels: readonly AlertChannel[];
  readonly problems: readonly SettingProblem[];
  /** The Worker's own address; null if it is not set. */
  readonly publicUrl: Setting<string | null>;
}

const example = '[{"type": "slack", "name": "soc", "url_secret": "SLACK_URL"}]';

const codesMessage = `it must list codes of alerts, each once: ${alertCodes.join(", ")}`;
const connectionsMessage = 'it must list ids of connections, each once, for example ["default"]';
const isDistinct = (list: readonly string[]): boolean => new Set(list).size === list.length;

const entrySchema = z.object({
  type: z.enum(["webhook", "slack"], 'it must be "webhook" or "slack"'),
  name: z
    .string("it must be 1 to 64 letters, digits, hyphens or underscores, for example soc")
    .regex(
      /^[a-zA-Z0-9_-]{1,64}$/,
      "it must be 1 to 64 letters, digits, hyphens or underscores, for example soc",
    ),
  url_secret: z
    .string("it must be the name of the secret that holds the address, for example SLACK_URL")
    .regex(/^.{1,512}$/s, "it must be the name of the secret that holds the address, for example SLACK_URL"),
  codes: z
    .array(z.enum(alertCodes, codesMessage), codesMessage)
    .min(1, codesMessage)
    .refine(isDistinct, codesMessage)
    .optional(),
  names: z.boolean("it must be true or false, without quotes").default(false),
  connections: z
    .array(z.string(connectionsMessage), connectionsMessage)
    .min(1, connectionsMessage)
    .refine(isDistinct, connectionsMessage)
    .optional(),
});
const known = Object.keys(entrySchema.shape);

interface Context {
  readonly env: RawEnv;
  /** The ids that the settings name; null where an entry may name one that is not known. */
  readonly connections: readonly string[] | null;
}

const problem = (path: string, message: string): SettingProblem => ({
  setting: path,
  message: sentence(message),
});

/** The address that a secret holds, or what is wrong with it. */
const addressIn = (env: RawEnv, name: string): Result<string, string> => {
  // Somebody may have put the address itself where the secret's name belongs, so only what looks like a name is repeated.
  const shown = /^[A-Z][A-Z0-9_]{0,63}$/.test(name) ? `the secret ${name}` : "the secret that it names";
  const text = textOf(env, name);
  if (text === null) {
    return err(
      `${shown} is not set; set it with "npx wrangler secret put NAME" (or in .dev.vars) and give its name here, not its value`,
    );
  }
  const url = checkOutboundUrl(text, { allowLoopback: allowsLoopback(env) });
  if (url.ok) return ok(url.value.href);
  return err(`${shown} holds no address: ${urlProblemText(url.error, "https://hooks.slack.com/services/…")}`);
};

const readEntry = (
  entry: unknown,
  path: string,
  { env, connections }: Context,
): Result<AlertChannel, readonly SettingProblem[]> => {
  if (!isPlainObject(entry)) return err([problem(path, `it is not an object; ${validLooksLike(example)}`)]);
  const read = entrySchema.safeParse(entry);
  const problems: SettingProblem[] = (read.error?.issues ?? []).map(({ path: keys, message }) =>
    problem([path, ...keys.filter((key) => typeof key === "string")].join("."), message),
  );
  for (const key of Object.keys(entry)) {
    if (!known.includes(key))
      problems.push(
        problem(`${path}.${key.slice(0, 64)}`, `there is no such key; known keys are ${known.join(", ")}`),
      );
  }
  if (!read.success) return err(problems);
  const { url_secret: secret, connections: ids = null, codes = null, ...channel } = read.data;
  const address = addressIn(env, secret);
  if (!address.ok) problems.push(problem(`${path}.url_secret`, address.error));
  const strangers = connections === null ? [] : (ids ?? []).filter((id) => !connections.includes(id));
  if (strangers.length > 0) {
    const named = strangers.map((id) => JSON.stringify(id.slice(0, 64))).join(", ");
    const there = `they have ${(connections ?? []).join(", ")}`;
    problems.push(problem(`${path}.connections`, `the settings have no connection ${named}; ${there}`));
  }
  if (problems.length > 0 || !address.ok) return err(problems);
  return ok({ ...channel, url: address.value, codes, connections: ids });
};

/** Judges ALERTS. Of several channels with one name, the first keeps it. */
export const readAlertChannels = (env: RawEnv, connections: Context["connections"]): AlertChannels => {
  const publicUrl = readPublicUrl(env);
  const nothing = (problems: readonly SettingProblem[]): AlertChannels => ({
    channels: [],
    problems,
    publicUrl,
  });
  const json = jsonOf(env, "ALERTS");
  if (!json.ok) return nothing([settingProblem("ALERTS", notJson(json.error, example))]);
  if (json.value === null) return nothing([]);
  if (!Array.isArray(json.value))
    return nothing([settingProblem("ALERTS", ["it is not a JSON list", validLooksLike(example)])]);
  const channels: AlertChannel[] = [];
  const problems: SettingProblem[] = [];
  for (const [index, entry] of json.value.entries()) {
    const path = `ALERTS[${index}]`;
    const read = readEntry(entry, path, { env, connections });
    if (!read.ok) problems.push(...read.error);
    else if (channels.some(({ name }) => name === read.value.name))
      problems.push(
        problem(`${path}.name`, "another channel has this name; give every channel a name of its own"),
      );
    else channels.push(read.value);
  }
  return { channels, problems, publicUrl };
};

/** The channels of this env, read once. */
export const alertChannelsOf = oncePerEnv((env): AlertChannels => {
  const { byId, problems } = connectionsOf(env);
  return readAlertChannels(env, problems.length > 0 ? null : [...byId.keys()]);
});

/** Those that are for a connection. */
export const channelsFor = (
  { channels }: Pick<AlertChannels, "channels">,
  connection: string,
): readonly AlertChannel[] => channels.filter(({ connections }) => connections?.includes(connection) ?? true);

/** The changes that a connection's channels want to hear of. */
export const wantedChanges = (channels: readonly AlertChannel[]): ReadonlySet<ChangeCode> =>
  new Set(changeCodes.filter((code) => channels.some(({ codes }) => codes?.includes(code) ?? false)));
