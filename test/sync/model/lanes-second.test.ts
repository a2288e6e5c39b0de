import { seeds } from "../../support/seeds.ts";
import { walkLanesFrom } from "./lanes-walk.ts";

walkLanesFrom(seeds(12).slice(3, 6));
