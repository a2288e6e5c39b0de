import { long, seeds } from "../../support/seeds.ts";
import { walkFrom } from "./walk.ts";

walkFrom(seeds(20).slice(10, long ? 20 : 15));
