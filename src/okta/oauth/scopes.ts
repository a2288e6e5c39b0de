/** The scopes that a service app needs: reading only, and only what the connector uses. */

/** The scope by what needs it. Factors need no scope besides that of users. */
export const scopeOf = {
  users: "okta.users.read",
  groups: "okta.groups.read",
  roles: "okta.roles.read",
  devices: "okta.devices.read",
  logs: "okta.logs.read",
} as const;

/**
 * All of them, because no part of the connector can be switched off. `okta.orgs.read` is left out on purpose: the
 * org's identity is read from a document that needs no credential.
 */
export const SCOPES: readonly string[] = Object.values(scopeOf);

/** Those of the given scopes that a text names. */
export const scopesNamedIn = (text: string, scopes: readonly string[]): readonly string[] => {
  const words = new Set(text.match(/okta\.[A-Za-z.]*[A-Za-z]/g) ?? []);
  return scopes.filter((scope) => words.has(scope));
};

/** What scopes look like. Whatever else an answer calls one is left out. */
export const SCOPE = /^[a-z]+(\.[a-z]+)*$/i;
