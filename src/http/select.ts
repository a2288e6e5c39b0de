/** Resolves what a request names, or throws the problem that says why it cannot be used. */

import type { Connection, Setting } from "../config/types.ts";
import type { StreamRefusal } from "../contract/stream-api.ts";
import type { Result } from "../lib/result.ts";
import type { Config } from "./config.ts";
import { ProblemError } from "./problems.ts";

/** A setting's value; throws `misconfigured` with its problems. */
export const settingValue = <T>(setting: Setting<T>): T => {
  if (setting.ok) return setting.value;
  const names = [...new Set(setting.problems.map((problem) => problem.setting))];
  throw new ProblemError("misconfigured", `Wrong or missing settings: ${names.join(", ")}.`, {
    problems: setting.problems,
  });
};

/** The connection of this id; throws `unknown_connection`, or `misconfigured` with its problems. */
export const selectConnection = (config: Config, id: string): Connection => {
  const connection = config.connections.get(id);
  if (connection !== undefined) return settingValue(connection);
  if (config.connectionProblems.length > 0) {
    return settingValue({ ok: false, problems: config.connectionProblems });
  }
  const known = [...config.connections.keys()].join(", ");
  throw new ProblemError("unknown_connection", `There is no such connection. The connections are ${known}.`);
};

/** The value that a stream answered. Throws a refusal as the problem with the same code. */
export const granted = <T>(result: Result<T, StreamRefusal>): T => {
  if (result.ok) return result.value;
  throw new ProblemError(result.error.code, result.error.message);
};
