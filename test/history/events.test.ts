/** Changes as events of their own, as sinks and pullers get them. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { streamStub, call, createOrg, startRun, untilIdle } from "../support/org.ts";

afterEach(() => reset());
test("x", async () => {
  const org = await createOrg("t3", { users: 12, groups: 4, devices: 3, seed: 3 });
  for (const s of ["users", "devices"] as const) { await startRun("t3", "full", s); await untilIdle("t3", s); }
  await org.churn(25);
  for (const s of ["users", "devices"] as const) { await startRun("t3", "delta", s); await untilIdle("t3", s); }
  const page = await streamStub("t3", "users").events({ after: 0, limit: 1000, dialect: "ocsf", changes: true });
  const d = await streamStub("t3", "devices").events({ after: 0, limit: 1000, dialect: "ocsf", changes: true });
  throw new Error([...page.events,...d.events].filter((e) => e.changed).map((e) => e.json).join("\n"));
});
