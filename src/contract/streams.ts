/** The names of the streams, and the dialects in which their events are written. */
import * as z from "zod";

export const streamNames = ["users", "devices"] as const;
export const streamNameSchema = z.enum(streamNames);
export type StreamName = z.infer<typeof streamNameSchema>;

/**
 * - `sekoia`: as Sekoia.io documents its Okta asset connectors. Times are whole seconds, and nulls are kept.
 * - `sekoia_2026`: the same for users, and Sekoia.io's device table of April 2026 for devices.
 * - `ocsf`: OCSF 1.6.0, valid in strict mode. Times are milliseconds, and there are no nulls.
 */
export const dialects = ["sekoia", "sekoia_2026", "ocsf"] as const;
export type Dialect = (typeof dialects)[number];
