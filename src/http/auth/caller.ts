import type { Rights } from "../../config/access.ts";

/** Who is calling, as far as the routes care. Never holds a key or an identity. */
export interface Caller {
  readonly kind: "key" | "access";
  readonly rights: Rights;
}
