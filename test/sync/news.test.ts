/** When the sinks are told what a delta run has found. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { users } from "../../src/streams/users.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg } from "../support/org.ts";
import { passTime } from "../support/time.ts";

const CONNECTION = "t7";
const WEEK_MS = 7 * 86_400_000;

afterEach(() => reset());

test("sinks are told of changes before the delta run goes on to read old factors again", async () => {
  const org = await createOrg(CONNECTION, { users: 30, groups: 3 });
  const told: number[] = [];
  const wakeSinks = async (head: number) => {
    told.push(head);
    return [];
  };
  await withStream(
    { connection: CONNECTION, stream: "users", definition: users, wakeSinks },
    async (stream) => {
      await stream.startRun("full");
      while (stream.runs()[0]?.state === "running") await stream.alarm();
      passTime(WEEK_MS);
      await org.advance(WEEK_MS);
      const active = (await org.dump()).users.find(({ status }) => status === "ACTIVE") ?? expect.fail();
      await org.control("POST", `/users/${active.id}/suspend`);
      await stream.startRun("delta");
      told.length = 0;
      await stream.alarm();
      expect(stream.runs()[0]).toMatchObject({ kind: "delta", state: "running", phase: "rolling" });
      expect(told).toEqual([stream.inventory.assets.head]);
      expect(await stream.events.one(active.id, "sekoia")).toMatchObject({
        sequence: stream.inventory.assets.head,
      });
    },
  );
});
