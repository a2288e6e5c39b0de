/** What POST /v1/test-connection answers. Null is "not known" throughout. */
import * as z from "zod";
import { rateLimitSchema } from "../sync/status.ts";

export const capabilities = ["users", "groups", "factors", "roles", "devices", "logs"] as const;
export type Capability = (typeof capabilities)[number];

export const checkSchema = z.object({
  /** A capability, or `sink:NAME`. */
  name: z.string(),
  status: z.enum(["pass", "fail", "unknown"]),
  http_status: z.number().int().nullable(),
  okta_error_code: z.string().nullable(),
  message: z.string(),
  /** What a person can do about it; null when nothing has to be done. */
  remedy: z.string().nullable(),
  latency_ms: z.number().int().nullable(),
  rate_limit: rateLimitSchema.nullable(),
});
export type Check = z.infer<typeof checkSchema>;

export const connectionTestSchema = z.object({
  ok: z.boolean(),
  org: z.object({ id: z.string().nullable(), pipeline: z.string().nullable(), base_url: z.string() }),
  credential: z.object({ kind: z.enum(["ssws", "oauth"]), scopes: z.array(z.string()).optional() }),
  clock_skew_ms: z.number().int().nullable(),
  checks: z.array(checkSchema),
  estimate: z.object({
    users: z.number().int().nullable(),
    devices: z.number().int().nullable(),
    calls: z.number().int().nullable(),
    minutes: z.number().int().nullable(),
  }),
});
export type ConnectionTest = z.infer<typeof connectionTestSchema>;
