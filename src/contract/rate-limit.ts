/** A rate-limit bucket as the public contract shows it. Times are ISO 8601 in UTC. */
import * as z from "zod";

const isoTime = z.iso.datetime();
const count = z.number().int();

export const rateLimitSchema = z.object({
  bucket: z.string().meta({ description: "The API path whose calls Okta counts together." }),
  limit: count.nullable().meta({
    description: "Calls per minute for all applications together; null until Okta has reported it.",
  }),
  remaining: count.nullable().meta({
    description: "Calls that all applications together have left now; null until Okta has reported it.",
  }),
  share: z.number().meta({ description: "The largest part of `limit` that the connector takes, at most 1." }),
  resets_at: isoTime
    .nullable()
    .meta({ description: "When the current window ends; null when no window is open." }),
  backing_off_until: isoTime
    .nullable()
    .meta({ description: "Okta refused a call, so no call is made before this time; null otherwise." }),
});
export type RateLimitDocument = z.infer<typeof rateLimitSchema>;
