/** The documents and calls of alerts: what tells a person of trouble, and of changes that a person wants to hear of. */
import * as z from "zod";
import { type Attention, attentionCodeSchema, attentionSchema } from "./status.ts";
import { type StreamName, streamNameSchema } from "./streams.ts";

/** Changes in Okta that are told only if a channel lists them. */
export const changeCodes = ["admin_granted", "admin_mfa_reset", "admin_suspended"] as const;
export type ChangeCode = (typeof changeCodes)[number];

/** Every code that a channel can list. */
export const alertCodes = [...attentionCodeSchema.options, ...changeCodes] as const;

/** One alert, as it is sent to a webhook and as the API shows it. */
export const alertSchema = z.object({
  code: z.enum([...alertCodes, "test"]),
  severity: attentionSchema.shape.severity,
  detail: attentionSchema.shape.detail,
  remedy: attentionSchema.shape.remedy,
  connection: z.string().meta({ description: "The connection's id." }),
  stream: streamNameSchema.nullable(),
  since: z.iso.datetime(),
  resolved: z.boolean().meta({ description: "Whether it has ended, so that nobody needs to act any more." }),
  link: z
    .string()
    .nullable()
    .meta({ description: "The page of the console that shows it; null unless PUBLIC_URL is set." }),
});
export type Alert = z.infer<typeof alertSchema>;

/** Something that needs a person, as a stream reports it. */
export interface ReportedNeed extends Omit<Attention, "since"> {
  /** `detail` without what Okta or a receiver said, which may name people; absent if it is the same. */
  readonly brief?: string;
  /** Which of several things of this kind it is about, such as the names of sinks. */
  readonly about?: readonly string[];
  /** ms since the epoch */
  readonly since: number;
}

/** A change that a log event told of. */
export interface ReportedChange {
  readonly code: ChangeCode;
  /** The event's id in Okta's log. */
  readonly uuid: string;
  /** When it was published, ms since the epoch. */
  readonly at: number;
  /** How many people it concerns. */
  readonly count: number;
  /** Some of them, as a person would name them. */
  readonly names: readonly string[];
  /** Who made it, by login or name; absent if the event does not say, and in what version 0.1.0 stored. */
  readonly by?: string;
}

/** What a stream reports. */
export interface StreamReport {
  readonly stream: StreamName;
  /** Everything that needs a person now. */
  readonly needs: readonly ReportedNeed[];
  /** Whether the sinks were asked: if not, `needs` says nothing of them. */
  readonly sinksAsked: boolean;
  readonly changes: readonly ReportedChange[];
}

/** The object that sends a connection's alerts. */
export interface AlertsApi {
  /** Takes note of what a stream reports, and sends what follows from it later, in its own time. */
  report(report: StreamReport): Promise<void>;
}
