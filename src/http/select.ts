/** Resolves what a request names, or throws the problem that says why it cannot be used. */

import type { Connection, Setting, SettingProblem } from "../config/types.ts";
import type { StreamRefusal } from "../contract/stream-api.ts";
import type { Result } from "../lib/result.ts";
import type { Config } from "./config.ts";
import { ProblemError } from "./problems.ts";

const misconfigured = (problems: readonly SettingProblem[]): ProblemError => {
  const names = [...new Set(problems.map((problem) => problem.setting))];
  return new ProblemError("misconfigured", `Wrong or missing settings: ${names.join(", ")}.`, { problems });
};

/** A setting's value; throws `misconfigured` with its problems. */
export const settingValue = <T>(setting: Setting<T>): T => {
  if (setting.ok) return setting.value;
  throw misconfigured(setting.problems);
};

/** The problem that no connection has this id. Of an id that may be that of an entry that cannot be read: `misconfigured`. */
export const unknownConnection = (config: Config): ProblemError => {
  if (config.connectionProblems.length > 0) return misconfigured(config.connectionProblems);
  const known = [...config.connections.keys()].join(", ");
  return new ProblemError("unknown_connection", `There is no such connection. The connections are ${known}.`);
};

/** The connection of this id; throws `unknown_connection`, or `misconfigured` with its problems. */
export const selectConnection = (config: Config, id: string): Connection => {
  const connection = config.connections.get(id);
  if (connection !== undefined) return settingValue(connection);
  throw unknownConnection(config);
};

/** The value that a stream answered. Throws a refusal as the problem with the same code. */
export const granted = <T>(result: Result<T, StreamRefusal>): T => {
  if (result.ok) return result.value;
  throw new ProblemError(result.error.code, result.error.message);
};
