/** Settings are judged once per env: an isolate gets one env and keeps it. */
import { protect } from "../lib/redact.ts";
import { secretsOf } from "./secrets.ts";
import type { RawEnv } from "./values.ts";

/**
 * Makes a reader of settings remember what it read. Whichever reader sees an env first also makes the log mask the
 * env's secrets from then on.
 */
export const oncePerEnv = <T>(read: (env: RawEnv) => T): ((env: object) => T) => {
  const known = new WeakMap<object, T>();
  return (env) => {
    const before = known.get(env);
    if (before !== undefined) return before;
    const raw: RawEnv = { ...env };
    protect(secretsOf(raw));
    const value = read(raw);
    known.set(env, value);
    return value;
  };
};
