/** The deletions of a stream that wait for a person: who or what is missing from Okta's list. */
import type { FC } from "hono/jsx";
import type { HeldDeletions } from "../../contract/inventory-documents.ts";
import type { StreamName } from "../../contract/streams.ts";
import { maxSearchLength } from "../../http/bounds.ts";
import { streams } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Page } from "../layout.tsx";
import { Empty, ProblemNote, Status, Table, Text, Time } from "../parts.tsx";
import { linkTo, segment, type View } from "../view.ts";
import { counted, number } from "../words.ts";

const SearchField: FC<{ view: View; stream: StreamName }> = ({ view, stream }) => (
  <search>
    <form method="get" action={`/console/inventory/${stream}`} class="ask">
      <input type="hidden" name="held" value="true" />
      {view.connection !== "default" && <input type="hidden" name="connection" value={view.connection} />}
      <input
        type="search"
        name="q"
        maxlength={maxSearchLength}
        required
        aria-label="Search the held deletions by name, e-mail, id or serial number"
        placeholder="Name, e-mail, id or serial number"
        autocomplete="off"
      />
      <button type="submit" class="main">
        Search
      </button>
    </form>
  </search>
);

const Held: FC<{ view: View; stream: StreamName; of: HeldDeletions }> = ({ view, stream, of }) => {
  const { one, many } = streams[stream].words;
  if (of.held === 0) return <Empty>No deletions are held.</Empty>;
  return (
    <>
      <p>
        {counted(of.held, one, many)} {of.held === 1 ? "is" : "are"} missing from Okta's list
        {of.known_before !== null && <> of {number(of.known_before)} that were known</>}. Held since{" "}
        <Time at={of.since} now={view.now} none="before this version" />. Nothing has been deleted.
      </p>
      <Table label="Held deletions" heads={["Name", "Login", "Status", "Last seen in Okta"]}>
        {of.items.map(({ id, name, login, status, last_seen_at }) => (
          <tr>
            <th scope="row">
              <a href={linkTo(view, `/console/inventory/${stream}/${segment(id)}`)}>
                <Text of={name ?? login ?? id} max={60} />
              </a>
            </th>
            <td>
              <Text of={login} max={60} />
            </td>
            <td>
              <Status of={status} />
            </td>
            <td>
              <Time at={last_seen_at} now={view.now} none="not known" />
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
};

/** @param after the id after which the page begins; "" for the first page */
export const DeletionsPage: FC<{
  view: View;
  stream: StreamName;
  after: string;
  held: Answer<HeldDeletions>;
}> = ({ view, stream, after, held }) => {
  const path = `/console/streams/${stream}/deletions`;
  return (
    <Page view={view} title={`Held deletions of ${streams[stream].words.many}`}>
      <p class="crumbs">
        <a href={`${linkTo(view, "/console/streams")}#${stream}`}>Streams</a>
      </p>
      {held.ok && held.value.held > 0 && <SearchField view={view} stream={stream} />}
      <div class="sheet">
        {held.ok ? <Held view={view} stream={stream} of={held.value} /> : <ProblemNote of={held.problem} />}
      </div>
      <nav class="pages" aria-label="Pages of this list">
        {after !== "" && <a href={linkTo(view, path)}>First page</a>}
        {held.ok && held.value.next !== null && (
          <a href={linkTo(view, path, { after: held.value.next })} rel="next">
            Next page
          </a>
        )}
      </nav>
    </Page>
  );
};
