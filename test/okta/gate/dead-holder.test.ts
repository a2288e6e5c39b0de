/** A caller that dies with a whole batch of permits: how soon the next one can call Okta. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { connectionOf } from "../../../src/config/connections.ts";
import { gateObjectName } from "../../../src/contract/objects.ts";
import { connectOkta, type OktaSession } from "../../../src/okta/connect.ts";
import { createOrg, type TestOrg } from "../../support/org.ts";
import { passTime } from "../../support/time.ts";

afterEach(() => reset());

const BUCKET = "/api/v1/users";
const ID = "t9";

/** A session of the stream's object, in a new life of it. */
const life = (): OktaSession => {
  const connection = connectionOf(env, ID);
  if (connection === null) throw new Error(`no connection ${ID}`);
  return connectOkta({ connection, env, holder: "stream/users", priority: "background", batch: 40 });
};

const call = ({ api }: OktaSession) => api.userFactors("00u1");

const pass = async (org: TestOrg, ms: number): Promise<void> => {
  passTime(ms);
  await org.advance(ms);
};

test.each([20, 40, 60])(
  "in a bucket of %d calls a minute, its next life goes on within 10 s",
  async (limit) => {
    const org = await createOrg(ID, { users: 5, limits: { [BUCKET]: limit } });
    const gate = env.OKTA_GATE.getByName(gateObjectName(ID));
    const first = life();
    await call(first);
    await first.done();
    // The next window has just begun, so that its end does not help.
    const known = (await gate.rateLimits(0.5)).find(({ bucket }) => bucket === BUCKET);
    await pass(org, Date.parse(known?.resets_at ?? "") - Date.now() + 1000);
    await org.resetStats();
    const dies = life();
    for (let made = 0; made < 3; made++) await call(dies);

    const diedAt = Date.now();
    await pass(org, 1000);
    const next = life();
    const refused = await call(next);
    if (refused.ok) throw new Error("the dead one had left something");
    const { code, retryAt, reason } = refused.error;
    expect({ code, reason }).toEqual({ code: "rate_limited", reason: "unaccounted" });
    await pass(org, (retryAt ?? 0) - Date.now());
    const answers = [await call(next), await call(next)];
    expect(Date.now() - diedAt).toBeLessThan(10_000);
    expect(answers.map((answer) => answer.ok || answer.error.code)).not.toContain("rate_limited");
    await next.done();

    const { buckets, violations } = await org.stats();
    expect(violations).toBe(0);
    expect(buckets.find(({ bucket }) => bucket === BUCKET)?.fullest).toBe(5);
  },
);
