/** What may be asked of a sink's delivery, and its documents. Everything that crosses is plain data. */

import * as z from "zod";
import { objectAs } from "../config/residency.ts";
import type { DeliveryIdentity } from "../contract/objects.ts";
import { deliveryObjectName } from "../contract/objects.ts";
import type { SinkReport } from "../contract/status.ts";
import type { Result } from "../lib/result.ts";

export const deadLetterSchema = z.object({
  id: z.string().meta({ description: "The event's id: `<connection>/<stream>/<asset id>/<sequence>`." }),
  asset_id: z.string(),
  sequence: z.number().int(),
  code: z.string().meta({
    description:
      "`refused` for its content, or `too_large`; or that the receiver fails at it alone, while it takes others: `unavailable`, `timeout`, `network`.",
  }),
  http_status: z.number().int().nullable(),
  message: z.string().meta({ description: "What the sink answered, shortened and without secrets." }),
  first_at: z.iso.datetime(),
  last_at: z.iso.datetime(),
  attempts: z.number().int(),
  retrying: z.boolean().meta({ description: "Somebody has asked to try it once more." }),
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
 * still run the version before, which had no other way to know. Callers still send it, and parameters keep
 * their order, because objects of two versions call each other during a gradual deployment.
 */
export interface SinkDeliveryApi {
  /** There may be events up to `head`. */
  wake(identity: DeliveryIdentity, head: number): Promise<void>;
  /** A full run has ended: keep the whole inventory, if the sink keeps any. */
  snapshot(identity: DeliveryIdentity, runId: string): Promise<void>;
  status(sink: { name: string; type: string }, head: number): Promise<SinkReport>;
  /** Moves the cursor back to `after`; `conflict` when it is not there yet, or when the sink does not run. */
  replay(
    identity: DeliveryIdentity,
    after: number,
  ): Promise<Result<{ position: number }, { code: "conflict"; message: string }>>;
  /** In sequence order, after a sequence number. */
  deadLetters(after: number, limit: number): Promise<DeadLettersDocument>;
  /** Tries dead letters once more, or forgets them. @param ids null: all of them @returns how many */
  settleDeadLetters(action: "retry" | "drop", ids: readonly string[] | null): Promise<number>;
  /** The sink is no longer configured: leaves nothing behind. */
  retire(): Promise<void>;
}

/** The delivery's object. */
export const deliveryStub = (env: Env, identity: DeliveryIdentity): SinkDeliveryApi =>
  objectAs<SinkDeliveryApi>(env, env.SINK_DELIVERY, deliveryObjectName(identity));
