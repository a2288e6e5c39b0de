/** Whether the Okta org that answers is the one whose inventory is stored. */

/**
 * - `same` it is the org of the inventory
 * - `unverified` it did not say, but the settings are those that led to it before
 * - `changed` it is another org: nothing may be read from it
 * - `waiting` it did not say, and the settings have changed, so it may be another org
 */
export type OrgVerdict = "same" | "unverified" | "changed" | "waiting";
