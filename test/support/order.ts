/** In which order test files run, and how many at a time. */
import { availableParallelism } from "node:os";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** More than two processors' worth, since tests that run the Worker in a process of its own mostly wait. */
export const WORKERS = Math.max(3, availableParallelism());

/** The files that take longest, by the end of their path. */
const LONG: readonly string[] = [
  "console/browser.process.test.ts",
  "e2e/kill.process.test.ts",
  "delivery/worker.process.test.ts",
  "sync/model/first.test.ts",
  "sync/model/second.test.ts",
  "sync/faults.test.ts",
  "sync/full-run.test.ts",
  "sync/interruptions.test.ts",
  "sync/delta.test.ts",
  "e2e/connections.test.ts",
  "http/openapi.test.ts",
  "okta/oauth-runs.test.ts",
  "enrichment/faults.test.ts",
  "enrichment/caching.test.ts",
];

/** A project's place: files of one project stand together, so that one process takes the small ones in turn. */
const PROJECTS: readonly string[] = ["process", "worker", "node"];

const placeIn = (list: readonly string[], matches: (entry: string) => boolean): number => {
  const place = list.findIndex(matches);
  return place === -1 ? list.length : place;
};

/** The longest files first, so that none of them is left to run alone at the end. The same order everywhere. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const keyed = files.map((file) => ({
      file,
      project: placeIn(PROJECTS, (name) => file.project.name === name),
      place: placeIn(LONG, (end) => file.moduleId.endsWith(`/${end}`)),
    }));
    return keyed
      .sort(
        (a, b) => a.project - b.project || a.place - b.place || (a.file.moduleId < b.file.moduleId ? -1 : 1),
      )
      .map(({ file }) => file);
  }
}
