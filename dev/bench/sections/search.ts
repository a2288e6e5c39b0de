/** What answers cost in a large inventory: the rows that they read, and their time. */
import { postureChecks } from "../../../src/contract/posture.ts";
import type { Bill } from "../lib/bill.ts";
import { fill } from "../lib/fill.ts";
import { say } from "../lib/progress.ts";
import type { Report } from "../lib/report.ts";
import { BenchWorker } from "../lib/runtime.ts";
import { CLOUDFLARES_HEAP } from "../lib/sizes.ts";
import { grouped, quantile, timeOf } from "../lib/statistics.ts";
import { groupsOfUser, userId } from "../lib/user-record.ts";

const ROUNDS = 30;
/** The size whose memory is the measure of that of larger ones. */
const REFERENCE = 10_000;
/** What a status and a scrape may read, rows; and what answers may take, ms. */
const MOST_ROWS = 100;
const NAME_MS = 20;
const FILTER_MS = 100;
const POSTURE_MS = 50;

const SEARCH = "/v1/inventory/users/search";

const questionsAbout = (
  users: number,
): Readonly<Record<string, readonly [path: string, ms: number | null]>> => {
  const [small, large] = groupsOfUser(3);
  const ask = (query: string, ms: number | null = FILTER_MS) => [`${SEARCH}?${query}`, ms] as const;
  return {
    "the summary": ["/v1/inventory/users/summary", FILTER_MS],
    "one person by name": ask(`q=last${Math.floor(users / 3)}`, NAME_MS),
    // Words that everybody's login has, such as the domain's, cost more in a larger org.
    "one person by login": ask(
      `q=first${Math.floor(users / 2)}.last${Math.floor(users / 2)}@example.com`,
      null,
    ),
    "by status": ask("status=LOCKED_OUT"),
    "by MFA": ask("mfa=not_enrolled"),
    administrators: ask("admin=true"),
    "no administrators": ask("admin=false"),
    "by a role": ask("role=Help%20Desk%20Administrator"),
    "by a factor": ask("factor=webauthn"),
    "by a factor that resists phishing": ask("phishing_resistant=false"),
    "unknown factors": ask("unknown=factors"),
    "unknown groups": ask("unknown=groups"),
    "unknown roles": ask("unknown=roles"),
    "a small group": ask(`group=${small}`),
    "a group of a tenth of the org": ask(`group=${large}`),
    "a department": ask("department=Department%205"),
    "created lately": ask("created_after=2026-10-25T00:00:00Z"),
    "created in the last five years": ask("created_after=2021-10-25T00:00:00Z"),
    "dormant for 90 days": ask("dormant_days=90"),
    "last sign-in before, and locked out, by name": ask(
      "last_login_before=2026-09-01T00:00:00Z&status=LOCKED_OUT&sort=name",
    ),
    "everybody by name": ask("sort=name"),
    "everybody by their last sign-in, backwards": ask("sort=last_login&order=desc"),
    "everybody by their change": ask("sort=changed&order=desc"),
    "a department by creation": ask("department=Department%205&sort=created"),
    "administrators without MFA, by status": ask("admin=true&mfa=not_enrolled&sort=status"),
    "all checks of posture": ["/v1/posture", POSTURE_MS],
    ...Object.fromEntries(
      postureChecks
        .filter(({ stream }) => stream === "users")
        .map(({ id }) => [`the list of ${id}`, ask(`posture=${id}`)]),
    ),
  };
};

/** Fills an inventory. @returns the Worker, and the peak of its resident set, MB */
const filled = async (users: number): Promise<{ worker: BenchWorker; peakMb: () => number }> => {
  const worker = await BenchWorker.start(null, { vars: { METER: "on" }, v8Flags: CLOUDFLARES_HEAP });
  await fill(worker, users);
  return { worker, peakMb: () => worker.process?.peakMb() ?? Number.NaN };
};

export const measureSearch = async (report: Report, users: number): Promise<void> => {
  const table = `Answers about ${grouped(users)} users with ${grouped(2 * users)} memberships`;
  const reference = await filled(REFERENCE);
  const questions = questionsAbout(users);
  for (const [path] of Object.values(questions))
    await (await reference.worker.request("GET", path)).arrayBuffer();
  const referencePeak = reference.peakMb();
  await reference.worker.close();

  const { worker, peakMb } = await filled(users);
  const stored = await worker.bench<Readonly<Record<string, { bytes: number }>>>("stored");
  const rowsOf = async (path: string): Promise<Bill> => {
    await (await worker.request("GET", path)).arrayBuffer();
    await worker.bill();
    await (await worker.request("GET", path)).arrayBuffer();
    return worker.bill();
  };
  for (const [what, path] of Object.entries({
    "a status": "/v1/streams/users",
    "a scrape of all metrics": "/metrics",
  })) {
    const { rowsRead } = await rowsOf(path);
    report.add({
      table,
      what: `rows that ${what} reads`,
      ours: rowsRead,
      beside: MOST_ROWS,
      besideWhat: "the goal",
      unit: "rows",
      atMost: 1,
    });
  }
  const one = `/v1/inventory/users/${userId(Math.floor(users / 2))}`;
  const paths = new Map<string, number[]>(
    [one, ...Object.values(questions).map(([path]) => path)].map((path) => [path, []]),
  );
  say(`search: ${ROUNDS} rounds`);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [path, list] of paths)
      list.push(await timeOf(async () => (await worker.request("GET", path)).arrayBuffer()));
  }
  report.add({
    table,
    what: "one event by its id, p50",
    ours: quantile(paths.get(one) ?? [], 0.5),
    beside: NAME_MS,
    besideWhat: "the goal for a name",
    unit: "ms",
  });
  for (const [what, [path, ms]] of Object.entries(questions)) {
    const { rowsRead } = await rowsOf(path);
    report.add(
      {
        table,
        what: `${what}, p50`,
        ours: quantile(paths.get(path) ?? [], 0.5),
        beside: ms ?? FILTER_MS,
        besideWhat: "the goal",
        unit: "ms",
        ...(ms !== null && { atMost: 1 }),
      },
      { table, what: `${what}, rows`, ours: rowsRead, beside: users, besideWhat: "users", unit: "rows" },
    );
  }
  const { bytes = Number.NaN } = stored["users"] ?? {};
  report.add(
    {
      table,
      what: "database",
      ours: bytes / users,
      beside: 10e9 / users,
      besideWhat: "10 GB, the most that an object may store",
      unit: "bytes a user",
    },
    {
      table,
      what: "peak resident set",
      ours: peakMb(),
      beside: referencePeak,
      besideWhat: `${grouped(REFERENCE)} users`,
      unit: "MB",
      atMost: 1.5,
    },
  );
  await worker.close();
};
