/**
 * Simulates weeks of operation in minutes, in the real runtime over storage on disk. The org and the Worker share a
 * clock, and a day consists of four crons, six hours apart. Meanwhile people change, Okta fails, objects are evicted
 * while they work, the runtime is killed every third day, tokens are revoked and keys are rotated. At the end, the
 * inventory and the receiver must equal the org, and memory, rows and dead letters must not have grown.
 */
import { type FaultRule, faultRuleSchema } from "../../okta-org/api/faults.ts";
import { churn } from "../../okta-org/changes/churn.ts";
import { DELTA_CRON, FULL_CRON } from "../../start/watch.ts";
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { sleep } from "../lib/statistics.ts";
import { populationOf, replenish } from "../soak/population.ts";
import { Scene } from "../soak/scene.ts";
import { memoryOfLives, nothingPiledUp, sameAsOrg } from "../soak/verdict.ts";
import type { Stored } from "../worker/instrumented.ts";

const USERS = 300;
const HOUR_MS = 3_600_000;
const TURN_HOURS = 6;
const TURNS_A_DAY = 24 / TURN_HOURS;
/** Every runtime runs for this long, so that their memory can be compared. */
const TURNS_A_LIFE = 3 * TURNS_A_DAY;
/** Every factor is read again within REFRESH_DAYS, the last ones on the day after. */
const QUIET_DAYS = 8;

const FAULTS: readonly FaultRule[] = [
  { kind: "429", match: { probability: 0.02, times: 5 } },
  { kind: "concurrency-429", match: { probability: 0.02, times: 5 } },
  { kind: "503", match: { probability: 0.03, times: 8 } },
  { kind: "reset", match: { probability: 0.02, times: 5 } },
  { kind: "truncated", match: { probability: 0.02, times: 5 } },
  { kind: "401", match: { probability: 0.01, times: 2 } },
].map((rule) => faultRuleSchema.parse(rule));

/** What has happened so far. */
interface Story {
  turns: number;
  changes: number;
  evictions: number;
  kills: number;
  rotations: number;
}

const chance = (part: number): boolean => Math.random() < part;

/** Six hours: changes, a cron, faults and evictions during its run, and a rest. */
const turn = async (scene: Scene, story: Story): Promise<void> => {
  const { state } = scene.org.org;
  await scene.advance(TURN_HOURS * HOUR_MS);
  const first = story.turns % TURNS_A_DAY === 0;
  story.turns += 1;
  // Some turns make changes that are not in the log. A full run finds them, or a week of full runs if they are factors.
  story.changes += churn(state, 3, { silent: chance(0.15) }).length;
  if (chance(0.5)) state.faults.add([...FAULTS]);
  if (chance(0.2)) state.oauth.rotateNonce();
  if (chance(0.1)) state.oauth.revokeTokens();
  await scene.cron(first ? FULL_CRON : DELTA_CRON);
  if (chance(0.3)) {
    await sleep(Math.random() * 300);
    await scene.bench("evict");
    story.evictions += 1;
  }
  await scene.rest();
  state.faults.clear();
};

/** Kills the runtime in the middle of a cron and starts it again, every other time with a new key. */
const rebirth = async (scene: Scene, story: Story): Promise<void> => {
  await scene.cron(DELTA_CRON);
  await sleep(Math.random() * 300);
  const rotates = story.kills % 2 === 1;
  // Every other rotation removes the old key while the Worker still signs with it.
  const rough = story.kills % 4 === 3;
  const key = rotates ? await scene.keys.add() : null;
  if (rough) {
    scene.keys.removeOld();
    await scene.cron(DELTA_CRON);
    await sleep(500);
  }
  await scene.worker.kill();
  story.kills += 1;
  await scene.start(key === null ? {} : { OKTA_PRIVATE_KEY: key });
  await scene.cron(DELTA_CRON);
  await scene.rest();
  if (key === null) return;
  story.rotations += 1;
  scene.keys.removeOld();
};

/** What a new Worker stores for the same org. */
const storedAnew = async (scene: Scene): Promise<Record<string, Stored>> => {
  await scene.worker.kill();
  await scene.worker.forget();
  await scene.start();
  await scene.cron(FULL_CRON);
  await scene.rest({ delivered: true });
  return scene.stored();
};

export const soak = async (report: Report, minutes: number): Promise<void> => {
  const deadline = performance.now() + minutes * 60_000;
  const scene = await Scene.create(USERS);
  const story: Story = { turns: 0, changes: 0, evictions: 0, kills: 0, rotations: 0 };
  const population = populationOf(scene.org.org.state);
  const peaksMb: number[] = [];
  try {
    await scene.start();
    await scene.cron(FULL_CRON);
    await scene.rest();
    // The first full run gets a runtime of its own.
    await rebirth(scene, story);
    while (performance.now() < deadline) {
      for (let n = 0; n < TURNS_A_LIFE; n++) await turn(scene, story);
      replenish(scene.org.org.state, population);
      peaksMb.push((await scene.worker.peakMemory()) / 1e6);
      await rebirth(scene, story);
      say(
        `soak: day ${story.turns / TURNS_A_DAY}; ${story.changes} changes, ${story.evictions} evictions, ${story.kills} kills, ${story.rotations} new keys; peak ${peaksMb.at(-1)?.toFixed(0)} MB`,
      );
    }
    say("soak: the last week, during which nothing changes");
    for (let day = 0; day < QUIET_DAYS; day++) {
      await scene.advance(24 * HOUR_MS);
      await scene.cron(FULL_CRON);
      await scene.rest();
    }
    await scene.cron(DELTA_CRON);
    const statuses = await scene.rest({ delivered: true });
    const days = story.turns / TURNS_A_DAY;
    const table = `Soak: ${days} simulated days, ${story.changes} changes, ${story.evictions} evictions, ${story.kills} kills, ${story.rotations} new keys, ${scene.receiver.posts()} posts`;
    await sameAsOrg(report, table, scene);
    memoryOfLives(report, table, peaksMb);
    const { violations } = scene.org.org.stats();
    report.add({
      table,
      what: "rate-limit violations",
      ours: violations,
      beside: 0,
      besideWhat: "none, under the published limits in windows of 2 s",
      unit: "429s",
      atMost: 1,
    });
    await nothingPiledUp(report, table, scene, statuses, () => storedAnew(scene));
  } finally {
    await scene.close();
  }
};
