import { seeds } from "../support/seeds.ts";
import { walkHistoryFrom } from "./walk.ts";

walkHistoryFrom(seeds(8));
