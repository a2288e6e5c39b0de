/** How a search for one account ended: with one, with several (named by their logins), or with none. */
export type Found<One extends object> =
  | ({ readonly found: "one" } & One)
  | { readonly found: "many"; readonly logins: readonly string[] }
  | { readonly found: "none" };
