import type { Rights } from "../../config/access.ts";

/** Who is calling, as far as the routes care. Never holds a key or an identity. */
export interface Caller {
  /** A bearer key, an identity of Cloudflare Access, or a session of the console. */
  readonly kind: "key" | "access" | "session";
  readonly rights: Rights;
}
