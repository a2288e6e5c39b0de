import type { SliceContext } from "./step.ts";

/** How many calls this full run will make, predicted from what is known so far; null while nothing is known. */
export const predict = ({
  definition,
  inventory,
  run,
}: Pick<SliceContext, "definition" | "inventory" | "run">): number | null =>
  definition.run.predict(inventory, {
    membershipCalls: run.membershipCalls,
    factorsDueBefore: run.factorsDueBefore,
    factorsRead: run.calls.byEndpoint["GET /api/v1/users/{id}/factors"] ?? 0,
  });
