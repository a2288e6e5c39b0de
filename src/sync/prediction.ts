import type { SliceContext } from "./step.ts";

/** The calls of this full run, predicted from what is known by now; null while nothing is. */
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
