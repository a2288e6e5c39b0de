/** Settings in the documents work as they are pasted into .dev.vars. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseDevVars, strayLines } from "../../dev/start/dev-vars.ts";
import { readAlertChannels } from "../../src/config/alert-channels.ts";
import { readConnections } from "../../src/config/connections.ts";
import { parseSinks } from "../../src/delivery/settings.ts";
import { readEnrichment, readMaliceRules } from "../../src/enrichment/settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const documents = [
  "README.md",
  "SECURITY.md",
  ...readdirSync(join(ROOT, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];

/** The blocks of a document that set something, and the example of .dev.vars with all that it comments out. */
const snippets = [
  ...documents.flatMap((name) => {
    const text = readFileSync(join(ROOT, name), "utf8");
    return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
      /^(?:SINKS|ALERTS|MALICE_RULES|CONNECTIONS)=/m.test(block) ? [[name, block] as const] : [],
    );
  }),
  [
    ".dev.vars.example",
    readFileSync(join(ROOT, ".dev.vars.example"), "utf8").replaceAll(/^#(?=[A-Z_]+=)/gm, ""),
  ] as const,
];

/** Judges all that is set as the Worker does. Secrets that a snippet names and does not set are set. */
const problemsIn = (block: string): unknown[] => {
  const env = Object.fromEntries(parseDevVars(block));
  const context = {
    secret: (name: string) => env[name] ?? "a-secret-of-somebody",
    binding: () => true,
    allowLoopback: false,
  };
  const { refused } = parseSinks(env["SINKS"], context);
  const others = [
    ...readAlertChannels(env, null).problems,
    ...[readEnrichment(env), readMaliceRules(env)].flatMap((setting) => (setting.ok ? [] : setting.problems)),
  ];
  const { problems } = readConnections({
    OKTA_BASE_URL: "https://company.okta.com",
    ...env,
    OKTA_API_TOKEN: "00token",
  });
  return [...refused, ...others, ...problems.filter(({ setting }) => setting === "CONNECTIONS")];
};

test("there are snippets of each of the settings that are JSON", () => {
  const text = snippets.map(([, block]) => block).join("\n");
  for (const name of ["SINKS", "ALERTS", "MALICE_RULES", "CONNECTIONS"])
    expect(text).toMatch(new RegExp(`^${name}=`, "m"));
  expect(snippets.length).toBeGreaterThan(9);
});

test.each(snippets)("%s: %j", (_, block) => {
  expect(strayLines(block)).toEqual([]);
  expect(problemsIn(block)).toEqual([]);
});

describe("a list that is pasted without quotes", () => {
  const LIST = '[\n  {"type": "http", "name": "siem", "url": "https://siem.example.com/in"}\n]';

  test.each([
    ["bare", `SINKS=${LIST}\nLOOKUP_TIMEOUT_MS=8000\n`],
    ["in double quotes", `SINKS="${LIST}"\nLOOKUP_TIMEOUT_MS=8000\n`],
  ])("%s is refused with what to do", (_, text) => {
    expect(strayLines(text)).not.toEqual([]);
    expect(JSON.stringify(problemsIn(text))).toMatch(/its end is missing.*needs single quotes/);
  });

  test("in those of TOML: the lines that are not read are told", () => {
    expect(strayLines(`A=1\nSINKS = '''\n${LIST}\n'''\n`)).toEqual([3, 4, 5, 6]);
  });
});
