/** The content of an asset's page, as data. The console decides how it looks. */
import type { StreamName } from "../contract/streams.ts";
import type { Fact, GroupFacts } from "../inventory/facts.ts";
import type { OktaDeviceUser, OktaFactor, OktaRole } from "../okta/records.ts";

/** One value, by its kind. Null means "unknown" or "not set"; `none` is what to show then. */
export type Shown =
  | { readonly as: "text"; readonly text: string | null | undefined; readonly none?: string }
  /** A constant of Okta's, like NOT_MANAGED, which is shown as an ordinary word. */
  | { readonly as: "word"; readonly word: string | null | undefined; readonly none?: string }
  /** ISO 8601. With `ago`, the page also shows how long ago that was. */
  | { readonly as: "time"; readonly at: string | null; readonly ago?: true }
  /** `good` is the value that needs no attention, if there is one. */
  | { readonly as: "truth"; readonly is: boolean | null; readonly good?: boolean }
  | { readonly as: "status"; readonly status: string }
  | { readonly as: "code"; readonly text: string };

/** One section of the page. */
export type PageSection =
  | { readonly kind: "factors"; readonly fact: Fact<readonly OktaFactor[]> }
  | { readonly kind: "roles"; readonly fact: Fact<readonly OktaRole[]> }
  | { readonly kind: "groups"; readonly fact: Fact<readonly GroupFacts[]> }
  /** The users linked to a device. */
  | { readonly kind: "people"; readonly users: readonly OktaDeviceUser[] }
  /** The assets of another stream that are linked to this user. */
  | { readonly kind: "linked"; readonly stream: StreamName; readonly userId: string };

export interface AssetPage {
  /** The asset's name. */
  readonly name: string;
  /** What the asset is: Person, Device. */
  readonly noun: string;
  /** The facts in order, each with its label. */
  readonly facts: readonly (readonly [label: string, shown: Shown])[];
  /** The sections by row. The sections of one row are side by side. */
  readonly sections: readonly (readonly PageSection[])[];
  /**
   * The identifier for a look-up of the account at Okta; null if the asset is not an account that can be looked up.
   */
  readonly lookUp: string | null;
}

/** A text. @param none what to show if there is none */
export const text = (value: string | null | undefined, none?: string): Shown => ({
  as: "text",
  text: value,
  ...(none !== undefined && { none }),
});

/** A constant of Okta's, like NOT_MANAGED. @param none what to show if there is none */
export const word = (value: string | null | undefined, none?: string): Shown => ({
  as: "word",
  word: value,
  ...(none !== undefined && { none }),
});

/** A time. @param at ISO 8601 */
export const time = (at: string | null): Shown => ({ as: "time", at });

/** A time that is shown with how long ago it was. @param at ISO 8601 */
export const ago = (at: string | null): Shown => ({ as: "time", at, ago: true });

/** A yes or no. @param good the value that needs no attention, if there is one */
export const truth = (is: boolean | null | undefined, good?: boolean): Shown => ({
  as: "truth",
  is: is ?? null,
  ...(good !== undefined && { good }),
});
