/** What the Worker draws for its jitter: the same in every run, and small, so that tests wait briefly. */
import { createRandom } from "../../dev/okta-org/org/random.ts";
import { seed } from "./seeds.ts";

const random = createRandom(seed, "jitter");
Math.random = () => random.next() / 10;
