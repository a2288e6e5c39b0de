/** A page that could not be made, for somebody who is in and for somebody who is not. */
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
        Request <code>{requestId}</code>.{" "}
        <a href={view === null ? "/" : linkTo(view, "/")}>To the overview</a>
      </p>
    </>
  );
  const title = problem.status === 404 ? "Not here" : "This did not work";
  return view === null ? (
    <BarePage title={title}>{inside}</BarePage>
  ) : (
    <Page view={view} title={title}>
      {inside}
    </Page>
  );
};
