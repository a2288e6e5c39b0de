/**
 * Why the gate grants no permit now. A later version may know more of them.
 * - `share` our part of the window is used up, or what is left of it is left to other applications
 * - `unaccounted` calls of unknown fate may have used up our part of the window
 * - `backoff` Okta has refused a call
 * - `in_flight` permits are out: their calls will be answered, or they come back
 * - `learning` the first answer has to tell how large the bucket is
 * - `in_line` callers of a higher priority are waiting
 */
export type WaitReason = "share" | "unaccounted" | "backoff" | "in_flight" | "learning" | "in_line";
