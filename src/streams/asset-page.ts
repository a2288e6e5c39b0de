/** What an asset's page shows, as data: the console gives it its looks. */
import type { StreamName } from "../contract/streams.ts";
import type { Fact, GroupFacts } from "../inventory/facts.ts";
import type { OktaDeviceUser, OktaFactor, OktaRole } from "../okta/records.ts";

/** One value, by what it means. Null is "not known" or "not set". */
export type Shown =
  | { readonly as: "text"; readonly text: string | null | undefined; readonly none?: string }
  /** A word of Okta's, like NOT_MANAGED, to be spelled as people write it. */
  | { readonly as: "word"; readonly word: string | null | undefined; readonly none?: string }
  /** ISO 8601. `ago`: how long ago matters. */
  | { readonly as: "time"; readonly at: string | null; readonly ago?: true }
  /** `good`: the value that needs no attention, where there is one. */
  | { readonly as: "truth"; readonly is: boolean | null; readonly good?: boolean }
  | { readonly as: "status"; readonly status: string }
  | { readonly as: "code"; readonly text: string };

export type PageSection =
  | { readonly kind: "factors"; readonly fact: Fact<readonly OktaFactor[]> }
  | { readonly kind: "roles"; readonly fact: Fact<readonly OktaRole[]> }
  | { readonly kind: "groups"; readonly fact: Fact<readonly GroupFacts[]> }
  /** The people linked to a device. */
  | { readonly kind: "people"; readonly users: readonly OktaDeviceUser[] }
  /** Assets of another stream that name this one among their users. */
  | { readonly kind: "linked"; readonly stream: StreamName; readonly userId: string };

export interface AssetPage {
  /** What people call the asset. */
  readonly name: string;
  /** What it is: Person, Device. */
  readonly noun: string;
  /** In order; each with its label. */
  readonly facts: readonly (readonly [label: string, shown: Shown])[];
  /** In rows; those of one row stand side by side. */
  readonly sections: readonly (readonly PageSection[])[];
  /** By what a look-up at Okta finds the account; null when that makes no sense. */
  readonly lookUp: string | null;
}

export const text = (value: string | null | undefined, none?: string): Shown => ({
  as: "text",
  text: value,
  ...(none !== undefined && { none }),
});

export const word = (value: string | null | undefined, none?: string): Shown => ({
  as: "word",
  word: value,
  ...(none !== undefined && { none }),
});

export const time = (at: string | null): Shown => ({ as: "time", at });

export const ago = (at: string | null): Shown => ({ as: "time", at, ago: true });

export const truth = (is: boolean | null | undefined, good?: boolean): Shown => ({
  as: "truth",
  is: is ?? null,
  ...(good !== undefined && { good }),
});
