import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../src/lib/result.ts";

export interface StartOptions {
  /** The size and the seed of the simulated org. The same numbers always make the same org. */
  readonly users: number;
  readonly groups: number;
  readonly devices: number;
  readonly seed: number;
  /** The ports of the connector and of the simulated org. A port that is in use is replaced by a free one. */
  readonly port: number;
  readonly orgPort: number;
  /** Exit after the first run, with 0 only if the inventory is complete. */
  readonly once: boolean;
  /** Delete what an earlier start has stored. */
  readonly fresh: boolean;
  readonly help: boolean;
}

export const usage = `Usage: npm start -- [options]

  --users N      people in the simulated org (1000)
  --groups N     groups in the simulated org (150)
  --devices N    devices in the simulated org (1000)
  --seed N       a different seed makes a different org (1)
  --port N       port of the connector (8787)
  --org-port N   port of the simulated org (8790)
  --once         exit after the first run; the exit code is 0 only if the inventory is complete
  --fresh        delete what an earlier start has stored

With OKTA_BASE_URL and a credential in .dev.vars, your own org is read instead of a simulated one.`;

const numbers = {
  users: { default: 1000, min: 0, max: 200_000 },
  groups: { default: 150, min: 1, max: 20_000 },
  devices: { default: 1000, min: 0, max: 200_000 },
  seed: { default: 1, min: 0, max: 2 ** 31 },
  port: { default: 8787, min: 1, max: 65_535 },
  "org-port": { default: 8790, min: 1, max: 65_535 },
} as const;

type NumberName = keyof typeof numbers;

/** Reads the command line. The error is a sentence that names the flag. */
export const parseOptions = (args: readonly string[]): Result<StartOptions, string> => {
  let values: Partial<Record<string, string | boolean>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        users: { type: "string" },
        groups: { type: "string" },
        devices: { type: "string" },
        seed: { type: "string" },
        port: { type: "string" },
        "org-port": { type: "string" },
        once: { type: "boolean" },
        fresh: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
  const wrong: string[] = [];
  const read = (name: NumberName): number => {
    const { default: fallback, min, max } = numbers[name];
    const text = values[name];
    if (text === undefined) return fallback;
    const value = typeof text === "string" && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      wrong.push(`--${name} must be a whole number from ${min} to ${max}.`);
    return value;
  };
  const options: StartOptions = {
    users: read("users"),
    groups: read("groups"),
    devices: read("devices"),
    seed: read("seed"),
    port: read("port"),
    orgPort: read("org-port"),
    once: values["once"] === true,
    fresh: values["fresh"] === true,
    help: values["help"] === true,
  };
  return wrong.length > 0 ? err(wrong.join(" ")) : ok(options);
};
