/** A simulated Okta org for development and tests. */
export type { OrgStats } from "./control/index.ts";
export type { OauthClient, OrgOptions, OrgOptionsInput } from "./options.ts";
export type * from "./org/types.ts";
export { createOktaOrg, type OktaOrg } from "./simulator.ts";
export { createOktaWorld, type OktaWorld } from "./world.ts";
