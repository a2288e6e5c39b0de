/**
 * The official conformance suite, against the Worker in the real runtime: every check of both generations of the protocol
 * passes, but for those in `not-applicable.ts`, which all fail.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { LocalServer } from "../../dev/lib/local-server.ts";
import { serveWithKey } from "../support/key-proxy.ts";
import { KEY, WorkerProcess } from "../support/worker-process.ts";
import { notApplicable } from "./not-applicable.ts";

const SUITE = dirname(fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/package.json")));

/** What a scenario may take, ms; only something broken takes longer. */
const PATIENCE_MS = 60_000;
/** The suite itself waits less than a second for some answers, which a busy machine may not give in time. */
const TRIES = 3;

interface Check {
  readonly id: string;
  /** FAILURE breaks a rule, WARNING a recommendation. INFO is a remark. */
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly errorMessage?: string;
}

/** By scenario, then by check: why it did not pass; null if it did. */
type Verdicts = ReadonlyMap<string, ReadonlyMap<string, string | null>>;

/** An id that a scenario has several times passes if it passes every time. */
const verdictsOf = (checks: readonly Check[]): Map<string, string | null> => {
  const verdicts = new Map<string, string | null>();
  for (const { id, status, errorMessage } of checks) {
    if (status === "INFO") continue;
    const verdict = status === "SUCCESS" ? null : `${status}: ${errorMessage ?? ""}`;
    verdicts.set(id, verdicts.get(id) ?? verdict);
  }
  return verdicts;
};

let folder: string;
let worker: WorkerProcess;
let door: LocalServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "okta-edge-connector-conformance-"));
  // As `npm start` has it: on this machine, with no name of its own.
  worker = await WorkerProcess.create(inject("build"), {
    OKTA_BASE_URL: "http://127.0.0.1:9",
    OKTA_API_TOKEN: "sim-token",
  });
  await worker.start();
  door = await serveWithKey(worker.url, KEY);
});
afterAll(async () => {
  await door?.close();
  await worker?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the suite and reads what it reports. */
const runSuite = async (args: readonly string[]): Promise<Verdicts> => {
  const results = await mkdtemp(join(folder, "results-"));
  const all = [
    "server",
    "--url",
    `${door.url}/mcp`,
    "--timeout",
    String(PATIENCE_MS),
    "-o",
    results,
    ...args,
  ];
  // It exits with 1 whenever a check fails, so what counts is what it has written.
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [join(SUITE, "dist/index.js"), ...all], { cwd: folder }, (_error, out, err) =>
      resolve(out + err),
    );
  });
  const verdicts = new Map<string, ReadonlyMap<string, string | null>>();
  for (const name of await readdir(results)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1] ?? expect.fail(name);
    const checks: Check[] = JSON.parse(await readFile(join(results, name, "checks.json"), "utf8"));
    verdicts.set(scenario, verdictsOf(checks));
  }
  if (verdicts.size === 0) throw new Error(`the suite reports nothing:\n${output.slice(-2000)}`);
  return verdicts;
};

const isListed = (scenario: string, id: string): boolean =>
  notApplicable.some((entry) => entry.scenario === scenario && entry.check === id);

/** Checks that neither pass nor are listed. */
const failuresOf = (scenario: string, verdicts: ReadonlyMap<string, string | null>): string[] =>
  [...verdicts].flatMap(([id, verdict]) =>
    verdict === null || isListed(scenario, id) ? [] : [`${scenario}: ${id}: ${verdict}`],
  );

/** The scenarios of servers that a revision of the specification requires, or has beside them. */
const scenariosOf = async (revision: string): Promise<string[]> => {
  const text = await readFile(join(SUITE, "requirements", `${revision}.yaml`), "utf8");
  const section = (name: string): string =>
    new RegExp(`^${name}:\n((?:[ #].*\n|\n)*)`, "m").exec(text)?.[1] ?? "";
  const required = [...section("server").matchAll(/^ {2}- (\S+)$/gm)];
  const others = [...section("not_scored").matchAll(/^ {2}- scenario: (\S+)\n {4}leg: server$/gm)];
  return [...required, ...others].map(([, name]) => name ?? "").sort();
};

const revisions = ["2025-11-25", "2026-07-28"] as const;

describe("the conformance suite", () => {
  const found = new Map<string, Verdicts>();

  test.each(revisions)("%s", async (revision) => {
    const verdicts = new Map(await runSuite(["--requirements", revision]));
    expect([...verdicts.keys()].sort()).toEqual(await scenariosOf(revision));
    expect([...(verdicts.get("dns-rebinding-protection") ?? [])]).toEqual([
      ["localhost-host-rebinding-rejected", null],
      ["localhost-host-valid-accepted", null],
    ]);
    for (const [scenario, first] of verdicts) {
      for (
        let tried = 1;
        tried < TRIES && failuresOf(scenario, verdicts.get(scenario) ?? first).length > 0;
        tried++
      ) {
        const again = await runSuite(["--scenario", scenario, "--spec-version", revision]);
        verdicts.set(scenario, again.get(scenario) ?? first);
      }
    }
    found.set(revision, verdicts);
    expect([...verdicts].flatMap(([scenario, checks]) => failuresOf(scenario, checks))).toEqual([]);
  });

  test("everything in the list fails", () => {
    expect([...found.keys()]).toEqual(revisions);
    const stale = notApplicable.filter(({ scenario, check }) => {
      const verdicts = [...found.values()].map((all) => all.get(scenario)?.get(check));
      return !verdicts.some((verdict) => typeof verdict === "string") || verdicts.includes(null);
    });
    expect(stale).toEqual([]);
  });
});
