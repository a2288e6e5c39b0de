/** In which order test files run, and how many at a time. */
import { availableParallelism } from "node:os";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Three on two processors, since tests that run the Worker in a process of its own mostly wait. */
export const WORKERS = Math.max(3, availableParallelism());

/**
 * The files that take longest, by the end of their path: those that wait beside those that compute, and none of them
 * so late that it runs alone at the end.
 */
const LONG: readonly string[] = [
  "console/browser.process.test.ts",
  "sync/model/first.test.ts",
  "e2e/kill.process.test.ts",
  "delivery/worker.process.test.ts",
  "e2e/lanes.process.test.ts",
  "sync/model/second.test.ts",
  "sync/faults.test.ts",
  "enrichment/burst.test.ts",
  "sync/full-run.test.ts",
  "enrichment/time-budget.test.ts",
  "enrichment/faults.test.ts",
  "sync/delta.test.ts",
  "sync/interruptions.test.ts",
  "sync/starting-cold.test.ts",
  "e2e/stored-versions.test.ts",
  "e2e/connections.test.ts",
  "http/openapi.test.ts",
  "delivery/chaos.test.ts",
  "http/secrets.test.ts",
  "http/auth.test.ts",
  "imports.node.test.ts",
];

/** Projects in turn, since files of one project that follow each other can share a process. */
const PROJECTS: readonly string[] = ["process", "worker", "node"];

const placeIn = (list: readonly string[], matches: (entry: string) => boolean): number => {
  const place = list.findIndex(matches);
  return place === -1 ? list.length : place;
};

/** The longest files first, then project by project; the same order everywhere. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files
      .map((file) => ({
        file,
        long: placeIn(LONG, (end) => file.moduleId.endsWith(`/${end}`)),
        project: placeIn(PROJECTS, (name) => file.project.name === name),
      }))
      .sort(
        (a, b) => a.long - b.long || a.project - b.project || (a.file.moduleId < b.file.moduleId ? -1 : 1),
      )
      .map(({ file }) => file);
  }
}
