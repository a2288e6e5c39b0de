/** Calls to Okta of a full run, an idle delta and a delta after 1 % changed, compared with the bound and the peers. */
import { cartographyCalls, sekoiaCalls, sizesOf } from "../../../test/support/formula.ts";
import type { OrgDump } from "../../okta-org/index.ts";
import type { Report } from "../lib/report.ts";
import type { MeasuredSize } from "../lib/sizes.ts";
import { grouped } from "../lib/statistics.ts";

/**
 * The calls of the program in lib/peer.ts: the plain list, which leaves DEPROVISIONED users out; the groups, factors and
 * roles of each user; and the roles of each of these groups. It reads users only.
 */
export const programCalls = (dump: Pick<OrgDump, "users">): number => {
  const present = dump.users.filter(({ status }) => status !== "DEPROVISIONED");
  const groups = present.reduce((sum, user) => sum + user.groups.length, 0);
  return Math.ceil(present.length / 200) + 3 * present.length + groups;
};

/** The most calls of a stream's delta run when nothing has changed. */
const IDLE_BOUND = 4;

export const reportCalls = (report: Report, measured: MeasuredSize): void => {
  const { users, dump, bound, first, later, peer } = measured;
  if (later === null) return;
  const { again, idle, delta } = later;
  const { groups, devices } = sizesOf(dump);
  const table = `Calls to Okta, ${grouped(users)} users, ${grouped(groups)} groups, ${grouped(devices)} devices`;
  const calls = (what: string, ours: number, beside: number, besideWhat: string) => ({
    table,
    what,
    ours,
    beside,
    besideWhat,
    unit: "calls",
  });
  const program = programCalls(dump);
  report.add(
    { ...calls("first full run, both streams", first.calls, bound, "the design's formula"), atMost: 1 },
    calls("… beside what the runs predicted", first.calls, first.predicted, "once the lists were read"),
    peer === null
      ? {
          ...calls("… beside the program", first.calls, program, "on @okta/okta-sdk-nodejs, users alone"),
          computed: "beside",
        }
      : calls(
          "… beside a program",
          first.calls,
          peer.calls,
          "on @okta/okta-sdk-nodejs, users alone, really run",
        ),
    {
      ...calls(
        "… in Sekoia.io's way",
        first.calls,
        sekoiaCalls(dump),
        "per user groups, factors, roles; group roles",
      ),
      computed: "beside",
    },
    {
      ...calls(
        "… in Cartography's way",
        first.calls,
        cartographyCalls(dump),
        "per user factors, roles; members",
      ),
      computed: "beside",
    },
    calls("full run of the next day", again.calls, first.calls, "the first one"),
    { ...calls("idle delta, both streams", idle.calls, 2 * IDLE_BOUND, "the design's bound"), atMost: 1 },
    calls("delta after 1 % changed", delta.calls, first.calls, "a first full run"),
    {
      ...calls(
        "delta beside the program",
        delta.calls,
        peer?.calls ?? program,
        "on @okta/okta-sdk-nodejs, which has to read everything again",
      ),
      ...(peer === null && { computed: "beside" }),
    },
  );
  report.add({
    table,
    what: "lists of users in the first full run",
    ours: first.listBytes / 1000,
    beside: measured.wholeListBytes / 1000,
    besideWhat: "whole records",
    unit: "kB",
  });
  if (peer !== null)
    report.add(
      calls(
        "the program: formula and run",
        program,
        peer.calls,
        "the formula of the larger sizes against the run",
      ),
    );
};
