/** The answer of POST /v1/test-connection. Null means "not known" throughout. */
import * as z from "zod";
import { rateLimitSchema } from "../contract/rate-limit.ts";

export const capabilities = ["users", "groups", "factors", "roles", "devices", "logs"] as const;
export type Capability = (typeof capabilities)[number];

const count = z.number().int().nullable();

export const checkSchema = z.object({
  name: z.string().meta({
    description: `${capabilities.map((name) => `\`${name}\``).join(", ")}, \`hooks\`, or \`sink:NAME\`.`,
  }),
  status: z
    .enum(["pass", "fail", "unknown"])
    .meta({ description: "`unknown` when the test could not tell, for example because Okta was down." }),
  http_status: z.number().int().nullable().meta({ description: "Null when no answer came." }),
  okta_error_code: z.string().nullable().meta({ description: "As Okta spells it, like `E0000006`." }),
  message: z.string().meta({ description: "What was found." }),
  remedy: z
    .string()
    .nullable()
    .meta({ description: "What to do about it; null when there is nothing to do." }),
  latency_ms: z.number().int().nullable().meta({ description: "Milliseconds until the answer." }),
  rate_limit: rateLimitSchema.nullable().meta({ description: "As the answer to this call showed it." }),
});
export type Check = z.infer<typeof checkSchema>;

export const connectionTestSchema = z.object({
  ok: z.boolean().meta({ description: "Whether users can be read and no check has failed." }),
  org: z.object({
    id: z.string().nullable(),
    pipeline: z.string().nullable().meta({
      description: "`idx` is Okta Identity Engine; `v1` is Classic Engine, which does not list devices.",
    }),
    base_url: z.string(),
  }),
  credential: z.object({
    kind: z.enum(["ssws", "oauth"]).meta({ description: "`ssws` is an API token, `oauth` a service app." }),
    scopes: z.array(z.string()).optional().meta({ description: "What a service app was granted." }),
  }),
  clock_skew_ms: z
    .number()
    .int()
    .nullable()
    .meta({
      description:
        "Milliseconds by which Okta's clock is ahead of this one, negative when it is behind; a difference of " +
        "less than two seconds is 0.",
    }),
  checks: z.array(checkSchema),
  estimate: z
    .object({
      users: count.meta({
        description: "The members of the group Everyone, which may leave out DEPROVISIONED users.",
      }),
      devices: count,
      calls: count.meta({ description: "Calls to Okta." }),
      minutes: count.meta({
        description: "By the rate limits that were seen and the share of them that the connector takes.",
      }),
    })
    .meta({ description: "What a first full run of both streams is expected to find and to cost." }),
});
export type ConnectionTest = z.infer<typeof connectionTestSchema>;
