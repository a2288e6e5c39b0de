/** Measures an org of one size in its own workerd process: two full runs, an idle delta, and a delta after 1 % changed. */

import type { RunKind } from "../../../src/contract/status.ts";
import { streamNames } from "../../../src/contract/streams.ts";
import { LEAN } from "../../../src/okta/api.ts";
import { nextLinks } from "../../../src/okta/link-header.ts";
import { devicesFormula, usersFormula } from "../../../test/support/formula.ts";
import { churn } from "../../okta-org/changes/churn.ts";
import type { OrgDump } from "../../okta-org/index.ts";
import { wrongUsers } from "./check.ts";
import { orgOf, type ServedOrg, serveOrg } from "./org.ts";
import { type PeerResult, runPeer } from "./peer.ts";
import { say } from "./progress.ts";
import { assertDone, BenchWorker, durationOf } from "./runtime.ts";
import { grouped, timeOf } from "./statistics.ts";
import { stepsOf } from "./steps.ts";

/** The resident set of a workerd process, MB; NaN where the system does not report it. */
export interface Memory {
  /** At rest before the work: the runtime with the Worker loaded. */
  readonly idle: number;
  /** The largest during the work. */
  readonly peak: number;
  /** At rest after the work and after garbage collection. */
  readonly live: number;
}

/** Some work in a workerd process of its own. */
export interface Measured {
  readonly ms: number;
  /** Processor time; NaN where the system does not report it. */
  readonly cpuMs: number;
  readonly memory: Memory;
}

/** What the first full run of both streams took. */
interface Cycle {
  readonly calls: number;
  /** How many the runs had predicted. */
  readonly predicted: number;
  readonly ms: number;
  /** How many bytes the answers to lists of users had. */
  readonly listBytes: number;
}

export interface MeasuredSize {
  readonly users: number;
  /** The org as it was for the first run. */
  readonly dump: OrgDump;
  /** The most calls that the design allows for a first full run of both streams. */
  readonly bound: number;
  readonly first: Cycle;
  /** How many bytes the complete list of users has if Okta leaves nothing out. */
  readonly wholeListBytes: number;
  /** The first full run. */
  readonly ours: Measured;
  /** A Worker that fetches and parses the same and keeps nothing. */
  readonly floor: Measured;
  /** The later runs; null when they were not requested. */
  readonly later: {
    readonly again: Cycle;
    readonly idle: Cycle;
    readonly delta: Cycle;
  } | null;
  /** The calls that the program on Okta's client made; null when it was not run. */
  readonly peer: (PeerResult & { readonly calls: number }) | null;
}

/**
 * The heap that Cloudflare gives a Worker, 128 MB. A local runtime sets no limit. V8 then lets its heap grow with the
 * number of collections, and with it the buffers of old answers, which V8 does not count.
 */
export const CLOUDFLARES_HEAP = ["--max-heap-size=128"] as const;

/** One run of each stream. */
export const cycle = async (
  org: ServedOrg,
  worker: BenchWorker,
  kind: RunKind,
  label: string,
  onAsked: (paths: readonly string[]) => void = () => {},
): Promise<Cycle> => {
  org.takeAsked();
  org.takeListBytes();
  let ms = 0;
  let calls = 0;
  let predicted = 0;
  for (const stream of streamNames) {
    const run = await worker.run(kind, stream, `${label} of ${stream}`);
    assertDone(run);
    ms += durationOf(run);
    predicted += run.calls.predicted ?? 0;
    const asked = org.takeAsked();
    calls += asked.length;
    onAsked(asked);
  }
  return { calls, predicted, ms, listBytes: org.takeListBytes() };
};

/** @param work returns how long it took, ms */
const measureWork = async (worker: BenchWorker, work: () => Promise<number>): Promise<Measured> => {
  const idle = (await worker.liveMb()) ?? Number.NaN;
  const cpuBefore = worker.process?.cpuMs() ?? Number.NaN;
  const ms = await work();
  const cpuMs = (worker.process?.cpuMs() ?? Number.NaN) - cpuBefore;
  const peak = worker.process?.peakMb() ?? Number.NaN;
  return { ms, cpuMs, memory: { idle, peak, live: (await worker.liveMb()) ?? Number.NaN } };
};

const FLOOR_PART = 1000;

/** Has the floor make the same calls, a few at a time, so that the list of them takes no memory. */
const measureFloor = async (org: ServedOrg, asked: readonly string[], label: string): Promise<Measured> => {
  say(`${label}: the same ${grouped(asked.length)} calls, fetched and parsed alone`);
  const worker = await BenchWorker.start(org, { v8Flags: CLOUDFLARES_HEAP });
  try {
    return await measureWork(worker, async () => {
      let ms = 0;
      for (let first = 0; first < asked.length; first += FLOOR_PART) {
        const steps = stepsOf(org.url, asked.slice(first, first + FLOOR_PART));
        ms += await timeOf(() => worker.bench("floor", {}, steps));
      }
      return ms;
    });
  } finally {
    await worker.close();
  }
};

const assertSame = async (org: ServedOrg, worker: BenchWorker, when: string): Promise<void> => {
  const [one, ...more] = await wrongUsers(worker, org.org.dump());
  if (one !== undefined)
    throw new Error(`${when} the inventory differs from the org: ${one} and ${more.length} more users`);
};

/** The full run of the next day, an idle delta, and one after 1 % has changed. */
const measureLater = async (
  org: ServedOrg,
  worker: BenchWorker,
  label: string,
): Promise<MeasuredSize["later"]> => {
  const again = await cycle(org, worker, "full", `${label}: full run of the next day`);
  const idle = await cycle(org, worker, "delta", `${label}: idle delta`);
  churn(org.org.state, Math.ceil(org.org.state.options.users / 100), { silent: false });
  const delta = await cycle(org, worker, "delta", `${label}: delta after 1 % changed`);
  say(`${label}: comparing the inventory with the org again`);
  await assertSame(org, worker, "after the delta");
  return { again, idle, delta };
};

export interface SizeOptions {
  /** Whether to measure the later runs, too. */
  readonly later: boolean;
  /** Whether to run the program on Okta's client. */
  readonly peer: boolean;
}

export const measureSize = async (users: number, wanted: SizeOptions): Promise<MeasuredSize> => {
  const label = `${grouped(users)} users`;
  say(`${label}: making the org`);
  const org = await serveOrg(orgOf(users));
  const worker = await BenchWorker.start(org, { v8Flags: CLOUDFLARES_HEAP });
  try {
    const dump = org.org.dump();
    const bound = usersFormula(dump) + devicesFormula(dump);
    say(`${label}: first full run, at most ${grouped(bound)} calls`);
    let first: Cycle = { calls: 0, predicted: 0, ms: 0, listBytes: 0 };
    const asked: string[][] = [];
    const ours = await measureWork(worker, async () => {
      first = await cycle(org, worker, "full", `${label}: first full run`, (paths) => asked.push([...paths]));
      return first.ms;
    });
    say(`${label}: comparing the inventory with the org`);
    await assertSame(org, worker, "after the first full run");
    const floor = await measureFloor(org, asked.flat(), label);
    const later = wanted.later ? await measureLater(org, worker, label) : null;
    const peer = wanted.peer ? await askPeer(org, users) : null;
    const wholeListBytes = await listBytesOf(org, asked.flat());
    return { users, dump, bound, first, wholeListBytes, ours, floor, later, peer };
  } finally {
    await worker.close();
    org.close();
  }
};

/** How many bytes the same lists of users have without a choice of fields. */
const listBytesOf = async ({ org, url }: ServedOrg, asked: readonly string[]): Promise<number> => {
  let bytes = 0;
  for (const path of asked.filter((each) => each.startsWith("/api/v1/users?"))) {
    const whole = new URL(url + path);
    // A cursor is good for one query only, so each list is read anew from its first page.
    whole.searchParams.delete("fields");
    if (whole.searchParams.has("after")) continue;
    let next: string | null = whole.href;
    while (next !== null) {
      const answer: Response = await org.fetch(
        new Request(next, { headers: { authorization: `SSWS ${org.state.options.token}`, ...LEAN } }),
      );
      bytes += (await answer.arrayBuffer()).byteLength;
      const links = nextLinks(answer.headers.get("link"));
      next = links.ok ? (links.value[0] ?? null) : null;
    }
  }
  return bytes;
};

/** Runs the program on an org of the same size and seed, before anything has changed. */
const askPeer = async ({ org }: ServedOrg, users: number): Promise<MeasuredSize["peer"]> => {
  const fresh = await serveOrg({ ...orgOf(users), seed: org.state.options.seed });
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
