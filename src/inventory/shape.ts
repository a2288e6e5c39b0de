/** What shapes the events of a whole stream, beyond the facts that are stored of each asset. */

/** If any of it changes, the same facts make other events, which need new sequence numbers. */
export interface Shape {
  /** The version of the code that makes events of facts: `StreamDefinition.mapping`. */
  readonly mapping: number;
  /** The org's host: `example.okta.com`. */
  readonly tenant: string;
  /** Factor types that do not count as MFA, lower-case and sorted; empty in a stream whose assets have no factors. */
  readonly mfaIgnoredFactors: readonly string[];
  /**
   * Names of the custom profile attributes to show, sorted; empty in a stream whose assets have none, and absent in what
   * version 0.1.0 stored.
   */
  readonly profileAttributes?: readonly string[];
}

/** The mapping that made the events of version 0.1.0, which stored no shape. */
export const FIRST_MAPPING = 1;

/** Whether both make the same events of the same facts. Pure. */
export const isSameShape = (a: Shape, b: Shape): boolean =>
  a.mapping === b.mapping &&
  a.tenant === b.tenant &&
  a.mfaIgnoredFactors.join() === b.mfaIgnoredFactors.join() &&
  (a.profileAttributes ?? []).join() === (b.profileAttributes ?? []).join();
