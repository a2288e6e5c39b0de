/** The page that is shown instead of one that could not be rendered, with or without a signed-in visitor. */
import type { FC } from "hono/jsx";
import type { Problem } from "../api.ts";
import { BarePage, Page } from "../layout.tsx";
import { ProblemNote } from "../parts.tsx";
import { linkTo, type View } from "../view.ts";

export const ProblemPage: FC<{ problem: Problem; view: View | null; requestId: string }> = ({
  problem,
  view,
  requestId,
}) => {
  const inside = (
    <>
      <ProblemNote of={problem} />
      <p class="hint">
        Request id: <code>{requestId}</code>.{" "}
        <a href={view === null ? "/" : linkTo(view, "/")}>Go to the overview</a>
      </p>
    </>
  );
  const title = problem.status === 404 ? "Not found" : "This did not work";
  return view === null ? (
    <BarePage title={title}>{inside}</BarePage>
  ) : (
    <Page view={view} title={title}>
      {inside}
    </Page>
  );
};
