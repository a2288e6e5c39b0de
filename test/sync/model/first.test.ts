import { long, seeds } from "../../support/seeds.ts";
import { walkFrom } from "./walk.ts";

walkFrom(seeds(20).slice(0, long ? 10 : 5));
