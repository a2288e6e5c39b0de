/** Connections as the API shows them. Pure. */
import type { ConnectionDocument, KnownConnection, NamedConnections } from "../contract/connections.ts";
import { KEPT_MS } from "./reconcile.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

const active = (id: string, baseUrl: string | null): ConnectionDocument => ({
  id,
  source: "settings",
  base_url: baseUrl,
  state: "active",
  removed_at: null,
  purge_at: null,
});

/** A known connection that is not in the settings, or that is being purged. */
export const goneDocument = ({
  id,
  baseUrl,
  removedAt,
  purgingSince,
}: KnownConnection): ConnectionDocument => {
  const purgeAt = purgingSince ?? (removedAt === null ? null : removedAt + KEPT_MS);
  return {
    id,
    source: "settings",
    base_url: baseUrl,
    state: purgingSince === null ? "removed" : "deleting",
    removed_at: removedAt === null ? null : iso(removedAt),
    purge_at: purgeAt === null ? null : iso(purgeAt),
  };
};

/**
 * All connections: those of the settings in their order, then those that are gone, by id. One that the settings have again
 * while it is being purged is shown as `deleting`. While the settings are not complete, one that was not gone before is
 * still `active`.
 */
export const connectionDocuments = (
  { named, complete }: NamedConnections,
  known: readonly KnownConnection[],
): ConnectionDocument[] => {
  const knownById = new Map(known.map((connection) => [connection.id, connection]));
  const names = new Set(named.map(([id]) => id));
  return [
    ...named.map(([id, baseUrl]) => {
      const one = knownById.get(id);
      return one === undefined || one.purgingSince === null ? active(id, baseUrl) : goneDocument(one);
    }),
    ...known
      .filter(({ id }) => !names.has(id))
      .map((one) => {
        const isGone = complete || one.removedAt !== null || one.purgingSince !== null;
        return isGone ? goneDocument(one) : active(one.id, one.baseUrl);
      }),
  ];
};
