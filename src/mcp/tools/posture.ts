import * as z from "zod";
import { foundSchema } from "../../contract/inventory-documents.ts";
import { checkIds, postureChecks, postureSchema } from "../../contract/posture.ts";
import { postureDocument } from "../../http/routes/posture.ts";
import { cursorOf, searchPlace } from "../places.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { counted } from "../words.ts";

export const posture = tool({
  name: "posture",
  title: "What in this org deserves worry?",
  description:
    "Fifteen checks of the whole org: administrators without MFA, dormant accounts, new administrators, devices that are not managed and " +
    "so on, each with how many it is true of (`count`) and how many an unknown fact leaves open (`unknown`, never part of `count`). With " +
    "`check` it tells of that check alone, and lists those whom it counts. Cost: no call to Okta. It says nothing of sign-ins, applications or policies. For " +
    "accounts by other criteria, use find_accounts.",
  input: argumentsOf({
    check: z.enum(checkIds).optional().describe("List those whom this check counts, a page at a time."),
  }),
  output: z.object({
    as_of: postureSchema.shape.as_of,
    checks: z.array(postureSchema.shape.checks.element.omit({ trend: true })),
    found: foundSchema.shape.results.nullable().describe("Those whom `check` counts; null without it."),
    found_total: z.int().nullable(),
    next_cursor: nextCursor,
  }),
  async run({ connection, check, limit, cursor }, context) {
    context.checkPosture();
    const streams = {
      users: context.stream(connection, "users"),
      devices: context.stream(connection, "devices"),
    };
    const [users, devices] = await Promise.all([
      streams.users.posture(false),
      streams.devices.posture(false),
    ]);
    const { as_of, checks } = postureDocument({ users, devices }, { connection, withTrend: false });
    const of = postureChecks.find(({ id }) => id === check);
    const page =
      of === undefined
        ? null
        : await streams[of.stream].search({ posture: of.id, after: searchPlace(cursor, false), limit });
    const grave = checks.filter(({ severity, count }) => severity === "high" && count > 0).length;
    return {
      structured: {
        as_of,
        checks: check === undefined ? checks : checks.filter(({ id }) => id === check),
        found: page?.results ?? null,
        found_total: page?.total ?? null,
        next_cursor: cursorOf(page?.next ?? null),
      },
      text:
        page === null
          ? `${counted(grave, "check of high severity counts", "checks of high severity count")} somebody.`
          : `${counted(page.total, "is", "are")} counted by this check; ${page.results.length} in this answer.`,
    };
  },
});
