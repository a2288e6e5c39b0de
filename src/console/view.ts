/** What every page is given: who looks, at which connection, when, and how to link on. */

import type { Rights } from "../config/access.ts";
import { defaultConnectionId } from "../config/connections.ts";
import type { Api } from "./api.ts";

export interface View {
  readonly api: Api;
  readonly rights: Rights;
  /** Signed in with a key, so there is something to sign out of. */
  readonly session: boolean;
  readonly connection: string;
  readonly connections: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
  /** Path and query of this page. */
  readonly here: string;
}

type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** A path of the console or the API with its query; the connection goes along unless it is the default one. */
export const linkTo = (view: Pick<View, "connection">, path: string, parameters: Parameters = {}): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  if (view.connection !== defaultConnectionId) query.set("connection", view.connection);
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
};

/** A part of a path, also when it holds slashes. */
export const segment = (text: string): string => encodeURIComponent(text);
