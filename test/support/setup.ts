/** Runs before every test file: properties take the seed of this run, see seeds.ts. */
import { configureGlobal } from "fast-check";
import { examples, seed } from "./seeds.ts";

configureGlobal({ seed, ...examples(100) });
