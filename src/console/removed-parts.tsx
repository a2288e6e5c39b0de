/** Connections that were taken out of the settings. */
import type { FC } from "hono/jsx";
import type { ConnectionDocument } from "../contract/connections.ts";
import type { Answer } from "./api.ts";
import { Action, Badge, ProblemNote, Section, Table, Text, Time } from "./parts.tsx";
import { linkTo, segment, type View } from "./view.ts";

/** What the API says about all connections. */
export type ConnectionsAnswer = Answer<{ readonly connections: readonly ConnectionDocument[] }>;

/** Those that are not in the settings any more, or are being purged; none while the API cannot tell. */
export const goneOf = (answer: ConnectionsAnswer): readonly ConnectionDocument[] =>
  answer.ok ? answer.value.connections.filter(({ state }) => state !== "active") : [];

/** When everything of a connection is going to be gone, as the end of a sentence. */
export const PurgeTime: FC<{ of: ConnectionDocument }> = ({ of: { state, purge_at } }) => {
  if (state === "deleting") return <>is being deleted now</>;
  if (purge_at === null) return <>will be deleted in 7 days</>;
  return (
    <>
      will be deleted at <Time at={purge_at} />
    </>
  );
};

const Purge: FC<{ view: View; id: string }> = ({ view, id }) => (
  <Action
    view={view}
    to={linkTo(view, `/console/connections/${segment(id)}/purge`)}
    label="Delete now"
    kind="danger"
    about={id}
  >
    <label class="check">
      <input type="checkbox" name="sure" value="yes" required />
      <span>This cannot be undone</span>
    </label>
  </Action>
);

/** Removed connections, each with a button to purge it at once. Not shown if there are none. */
export const RemovedConnections: FC<{ view: View; connections: ConnectionsAnswer }> = ({
  view,
  connections,
}) => {
  const gone = goneOf(connections);
  if (connections.ok && gone.length === 0) return null;
  return (
    <Section title="Removed connections" id="removed" live>
      {connections.ok ? (
        <>
          <p class="hint">
            These were taken out of the settings. What is stored of them is kept for 7 days, in case they come
            back. What sinks have received stays with them.
          </p>
          <Table
            label="Removed connections"
            heads={["Connection", "Org", "Removed", "Deleted", ...(view.rights === "full" ? ["Action"] : [])]}
          >
            {gone.map(({ id, base_url, state, removed_at, purge_at }) => (
              <tr>
                <th scope="row">
                  <Text of={id} max={64} />
                </th>
                <td>
                  <Text of={base_url} max={100} />
                </td>
                <td>
                  <Time at={removed_at} now={view.now} none="just now" />
                </td>
                <td>
                  {state === "deleting" ? (
                    <Badge tone="busy">Being deleted</Badge>
                  ) : (
                    <Time at={purge_at} none="in 7 days" />
                  )}
                </td>
                {view.rights === "full" && <td>{state === "removed" && <Purge view={view} id={id} />}</td>}
              </tr>
            ))}
          </Table>
        </>
      ) : (
        <ProblemNote of={connections.problem} />
      )}
    </Section>
  );
};
