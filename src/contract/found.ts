/** The outcome of a search for one account: one was found, several were (given by their logins), or none was. */
export type Found<One extends object> =
  | ({ readonly found: "one" } & One)
  | { readonly found: "many"; readonly logins: readonly string[] }
  | { readonly found: "none" };
