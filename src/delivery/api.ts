/** What may be asked of a sink's delivery, and its documents. Everything that crosses is plain data. */

import * as z from "zod";
import type { DeliveryIdentity } from "../contract/objects.ts";
import { deliveryObjectName } from "../contract/objects.ts";
import type { SinkStatusDocument } from "../contract/status.ts";
import type { Result } from "../lib/result.ts";
import type { SinkType } from "./settings-types.ts";

export const deadLetterSchema = z.object({
  id: z.string().meta({ description: "The event's id: `<connection>/<stream>/<asset id>/<sequence>`." }),
  asset_id: z.string(),
  sequence: z.number().int(),
  code: z.string().meta({ description: "`refused` for its content, or `too_large`." }),
  http_status: z.number().int().nullable(),
  message: z.string().meta({ description: "What the sink answered, shortened and without secrets." }),
  first_at: z.iso.datetime(),
  last_at: z.iso.datetime(),
  attempts: z.number().int(),
  retrying: z.boolean().meta({ description: "It is going to be tried once more." }),
});

export const deadLettersSchema = z.object({
  dead_letters: z.array(deadLetterSchema),
  total: z.number().int(),
  next: z
    .number()
    .int()
    .nullable()
    .meta({ description: "Pass it as `after` for the next page; null at the end." }),
});
export type DeadLettersDocument = z.infer<typeof deadLettersSchema>;

/**
 * The methods of SinkDelivery. An object learns who it is from its name; `identity` says the same, for objects that
 * still run the version before, which knew it from no other place. Callers go on sending it, and parameters stay in
 * their order, because two versions call each other while one is deployed gradually.
 */
export interface SinkDeliveryApi {
  wake(identity: DeliveryIdentity, head: number): Promise<void>;
  snapshot(identity: DeliveryIdentity, runId: string): Promise<void>;
  status(settings: { name: string; type: SinkType }, head: number): Promise<SinkStatusDocument>;
  replay(
    identity: DeliveryIdentity,
    after: number,
  ): Promise<Result<{ position: number }, { code: "conflict"; message: string }>>;
  deadLetters(after: number, limit: number): Promise<DeadLettersDocument>;
  settleDeadLetters(action: "retry" | "drop", ids: readonly string[] | null): Promise<number>;
  retire(): Promise<void>;
}

/** The delivery's object. The generated type of the binding leads through the Worker's entry, which leads here. */
export const deliveryStub = (env: Env, identity: DeliveryIdentity): SinkDeliveryApi =>
  env.SINK_DELIVERY.getByName(deliveryObjectName(identity)) as unknown as SinkDeliveryApi;
