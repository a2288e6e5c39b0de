/** A rate-limit bucket as the documents of the public contract show it. Times are ISO 8601 in UTC. */
import * as z from "zod";

const isoTime = z.iso.datetime();
const count = z.number().int();

export const rateLimitSchema = z.object({
  bucket: z.string().meta({ description: "The path under which Okta counts calls together." }),
  limit: count
    .nullable()
    .meta({ description: "Calls a minute for all applications together; null until an answer has told it." }),
  remaining: count.nullable().meta({ description: "What all applications together have left of it now." }),
  share: z.number().meta({ description: "The part of `limit` that the connector takes at most, up to 1." }),
  resets_at: isoTime.nullable().meta({ description: "When the window under way ends; null when none is." }),
  backing_off_until: isoTime
    .nullable()
    .meta({ description: "Okta refused a call, so that none is made before this; null otherwise." }),
});
export type RateLimitDocument = z.infer<typeof rateLimitSchema>;
