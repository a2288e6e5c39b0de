import { Faults } from "../api/faults.ts";
import { RateLimiter } from "../api/limits.ts";
import { Stats } from "../api/stats.ts";
import { generateOrg } from "../generate/index.ts";
import { Oauth } from "../oauth/tokens.ts";
import { type OrgOptions, type OrgOptionsInput, orgOptionsSchema } from "../options.ts";
import { type Clock, createClock } from "./clock.ts";
import { EventHooks } from "./hooks.ts";
import { SystemLog } from "./log.ts";
import { createRandom, type Random } from "./random.ts";
import type { Store } from "./store.ts";

/** Everything that one simulated org is made of. Options may be changed at run time. */
export interface OrgState {
  readonly options: OrgOptions;
  readonly clock: Clock;
  readonly store: Store;
  readonly log: SystemLog;
  readonly hooks: EventHooks;
  readonly limiter: RateLimiter;
  readonly stats: Stats;
  readonly faults: Faults;
  readonly oauth: Oauth;
  /** Makes the ids of what happens after the org was generated. */
  readonly random: Random;
  /** Draws who makes random changes. It is separate, so that it decides nothing about what they change. */
  readonly authors: Random;
  /** Makes the ids of requests and errors. It is separate, so that reading does not change later ids of other things. */
  readonly requestIds: Random;
  readonly cursorKey: string;
}

/** Validates the options and generates their org. */
export const createState = (input: OrgOptionsInput): OrgState => {
  const options = orgOptionsSchema.parse(input);
  const clock = createClock(options.clockOffsetMs);
  const store = generateOrg(options);
  const random = createRandom(options.seed, "runtime");
  const hooks = new EventHooks({
    random: createRandom(options.seed, "hooks"),
    delayMs: () => options.hookDelayMs,
    loss: () => options.hookLoss,
    doubles: () => options.hookDoubles,
    fetch: (input, init) => fetch(input, init),
  });
  const log = new SystemLog({
    tell: (event) => hooks.tell(event),
    now: clock.now,
    random: createRandom(options.seed, "log"),
    delayMs: () => options.logDelayMs,
    shuffle: () => options.logShuffle,
    duplicates: () => options.logDuplicates,
  });
  return {
    options,
    clock,
    store,
    log,
    hooks,
    limiter: new RateLimiter(options),
    stats: new Stats(),
    faults: new Faults(createRandom(options.seed, "faults")),
    oauth: new Oauth(options, clock, createRandom(options.seed, "oauth")),
    random,
    authors: createRandom(options.seed, "authors"),
    requestIds: createRandom(options.seed, "requests"),
    cursorKey: `${options.seed}/${store.orgId}`,
  };
};
