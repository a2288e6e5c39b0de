/** An org of one size in a workerd process of its own: read whole, read again, then idle, then with 1 % changed. */

import type { StreamName } from "../../../src/sync/status.ts";
import { devicesFormula, usersFormula } from "../../../test/support/formula.ts";
import { churn } from "../../okta-org/changes/churn.ts";
import type { OrgDump } from "../../okta-org/index.ts";
import { wrongUsers } from "./check.ts";
import { type ServedOrg, serveOrg, sizeOf } from "./org.ts";
import { type PeerResult, runPeer } from "./peer.ts";
import { say } from "./progress.ts";
import { assertDone, BenchWorker, durationOf } from "./runtime.ts";
import { grouped } from "./statistics.ts";

/** The resident set of a workerd process, MB. */
export interface Memory {
  /** At rest, before the first run: the runtime's own part. */
  readonly idle: number;
  /** The greatest during the first full runs. */
  readonly peak: number;
  /** At rest after them. */
  readonly settled: number;
}

/** What the first full run of both streams took. */
interface Cycle {
  readonly calls: number;
  readonly ms: number;
}

export interface MeasuredSize {
  readonly users: number;
  /** The org as it was for the first run. */
  readonly dump: OrgDump;
  /** What the design allows a first full run of both streams. */
  readonly bound: number;
  readonly first: Cycle;
  /** Processor time of the first full run, ms. Null where the system does not tell; so is the memory. */
  readonly cpuMs: number | null;
  readonly memory: Memory | null;
  readonly again: Cycle;
  readonly idle: Cycle;
  readonly delta: Cycle;
  /** A real program on Okta's client, and the calls that it made; null where it was not run. */
  readonly peer: (PeerResult & { readonly calls: number }) | null;
}

const streams: readonly StreamName[] = ["users", "devices"];

/** One run of each stream. */
export const cycle = async (
  org: ServedOrg,
  worker: BenchWorker,
  kind: "full" | "delta",
  label: string,
): Promise<Cycle> => {
  org.takeAsked();
  let ms = 0;
  for (const stream of streams) {
    const run = await worker.run(kind, stream, `${label} of ${stream}`);
    assertDone(run);
    ms += durationOf(run);
  }
  return { calls: org.takeAsked().length, ms };
};

const assertSame = async (org: ServedOrg, worker: BenchWorker, when: string): Promise<void> => {
  const [one, ...more] = await wrongUsers(worker, org.org.dump());
  if (one !== undefined)
    throw new Error(`${when} the inventory differs from the org: ${one} and ${more.length} more users`);
};

export const measureSize = async (users: number, withPeer: boolean): Promise<MeasuredSize> => {
  const label = `${grouped(users)} users`;
  say(`${label}: making the org`);
  const org = await serveOrg(sizeOf(users));
  const worker = await BenchWorker.start(org);
  try {
    const dump = org.org.dump();
    await worker.status();
    const workerd = worker.process;
    const idleMb = await workerd?.settledMb();
    const cpuBefore = workerd?.cpuMs();
    say(`${label}: first full run, at most ${grouped(usersFormula(dump) + devicesFormula(dump))} calls`);
    const first = await cycle(org, worker, "full", `${label}: first full run`);
    const cpuMs = workerd === null || cpuBefore === undefined ? null : workerd.cpuMs() - cpuBefore;
    const memory =
      workerd === null || idleMb === undefined
        ? null
        : { idle: idleMb, peak: workerd.peakMb(), settled: await workerd.settledMb() };
    say(`${label}: comparing the inventory with the org`);
    await assertSame(org, worker, "after the first full run");
    const again = await cycle(org, worker, "full", `${label}: full run of the next day`);
    const idle = await cycle(org, worker, "delta", `${label}: idle delta`);
    churn(org.org.state, Math.ceil(users / 100), { silent: false });
    const delta = await cycle(org, worker, "delta", `${label}: delta after 1 % changed`);
    say(`${label}: comparing the inventory with the org again`);
    await assertSame(org, worker, "after the delta");
    const bound = usersFormula(dump) + devicesFormula(dump);
    return {
      users,
      dump,
      bound,
      first,
      cpuMs,
      memory,
      again,
      idle,
      delta,
      peer: withPeer ? await askPeer(org, users) : null,
    };
  } finally {
    await worker.close();
    org.close();
  }
};

/** On an org of the same make, before anything has changed. */
const askPeer = async ({ org }: ServedOrg, users: number): Promise<MeasuredSize["peer"]> => {
  const fresh = await serveOrg({ ...sizeOf(users), seed: org.state.options.seed });
  try {
    const result = await runPeer(fresh.url, (done) => {
      if (done % 250 === 0) say(`${grouped(users)} users: the program on Okta's client has read ${done}`);
    });
    if (result.mistaken > 0) throw new Error("the peer failed without any limit");
    return { ...result, calls: fresh.takeAsked().length };
  } finally {
    fresh.close();
  }
};
