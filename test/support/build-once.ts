/** Bundles the Worker once, before the first test that starts it in a process of its own. */
import type { TestProject } from "vitest/node";
import { type Build, buildWorker } from "./build.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly build: Build;
  }
}

export default async (project: TestProject): Promise<void> => {
  project.provide("build", await buildWorker());
};
