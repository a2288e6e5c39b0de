/** What every page knows: the visitor's rights, the connection and the time; and how to make links. */

import type { Rights } from "../config/access.ts";
import { defaultConnectionId } from "../config/connections.ts";
import type { Api } from "./api.ts";

export interface View {
  readonly api: Api;
  readonly rights: Rights;
  /** Whether the visitor has a session. Without one, Cloudflare Access let the visitor in. */
  readonly session: boolean;
  readonly connection: string;
  readonly connections: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
  /** Path and query of this page. */
  readonly here: string;
}

type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * A path of the console or the API with its query. The connection is added unless it is the default one; parameters
 * that are empty or undefined are left out.
 */
export const linkTo = (view: Pick<View, "connection">, path: string, parameters: Parameters = {}): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  if (view.connection !== defaultConnectionId) query.set("connection", view.connection);
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
};

/** Text as one segment of a path, with slashes encoded. The texts `.` and `..` cannot be a segment. */
export const segment = (text: string): string => encodeURIComponent(text);
