import type { Rights } from "../../config/access.ts";

/** Who is calling, as far as the routes need to know. It never holds a key or an identity. */
export interface Caller {
  /** How the caller was let in: by a bearer key, by Cloudflare Access, or by a session of the console. */
  readonly kind: "key" | "access" | "session";
  readonly rights: Rights;
  /** Which key it was, by its place in the settings (`API_KEYS[0]`), or how else the caller was let in. */
  readonly name: string;
}
