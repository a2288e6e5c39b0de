/** What follows from the settings for the connections that are known. Pure. */
import type { KnownConnection, NamedConnections } from "../contract/connections.ts";

/** How long a connection that is gone from the settings is kept, ms. */
export const KEPT_MS = 7 * 86_400_000;

/**
 * What happened to a connection:
 * - `new`: the settings have it for the first time, or for the first time since it was purged
 * - `moved`: it has another base URL
 * - `removed`: it is gone from the settings
 * - `returned`: it is back in them in time
 * - `due`: it has been gone for so long that it is to be purged
 */
export type Change =
  | { readonly kind: "new" | "moved"; readonly id: string; readonly baseUrl: string | null }
  | { readonly kind: "removed" | "returned" | "due"; readonly id: string };

/** What happened to a connection that the settings name. A purge that has begun is always finished. */
const changesOfNamed = (id: string, baseUrl: string | null, known: KnownConnection | undefined): Change[] => {
  if (known === undefined) return [{ kind: "new", id, baseUrl }];
  if (known.purgingSince !== null) return [];
  return [
    ...(known.removedAt === null ? [] : [{ kind: "returned", id } as const]),
    ...(baseUrl === null || baseUrl === known.baseUrl ? [] : [{ kind: "moved", id, baseUrl } as const]),
  ];
};

const changesOfAbsent = ({ id, removedAt, purgingSince }: KnownConnection, now: number): Change[] => {
  if (purgingSince !== null) return [];
  if (removedAt === null) return [{ kind: "removed", id }];
  return now - removedAt >= KEPT_MS ? [{ kind: "due", id }] : [];
};

/**
 * What happened since the connections were compared with the settings last. While the settings are not complete, every
 * connection may be in them, so none is taken for gone.
 * @param now ms since the epoch
 */
export const changesOf = (
  known: readonly KnownConnection[],
  { named, complete }: NamedConnections,
  now: number,
): Change[] => {
  const knownById = new Map(known.map((connection) => [connection.id, connection]));
  const names = new Set(named.map(([id]) => id));
  const absent = complete ? known.filter(({ id }) => !names.has(id)) : [];
  return [
    ...named.flatMap(([id, baseUrl]) => changesOfNamed(id, baseUrl, knownById.get(id))),
    ...absent.flatMap((connection) => changesOfAbsent(connection, now)),
  ];
};
