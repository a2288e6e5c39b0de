/** What a service app is asked for: reading, and only what a part of the connector uses. */

/** Scope by what needs it. Factors need no scope beside the users'. */
export const scopeOf = {
  users: "okta.users.read",
  groups: "okta.groups.read",
  roles: "okta.roles.read",
  devices: "okta.devices.read",
  logs: "okta.logs.read",
} as const;

/**
 * All of them: no part of the connector can be switched off. `okta.orgs.read` is left out on purpose, because the
 * org's identity is read from a document that needs no credential.
 */
export const SCOPES: readonly string[] = Object.values(scopeOf);

/** The scopes that a text names, among those given. */
export const scopesNamedIn = (text: string, scopes: readonly string[]): readonly string[] => {
  const words = new Set(text.match(/okta\.[A-Za-z.]*[A-Za-z]/g) ?? []);
  return scopes.filter((scope) => words.has(scope));
};
