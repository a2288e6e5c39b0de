import { DurableObject } from "cloudflare:workers";

export { OktaGate } from "./okta/gate/okta-gate.ts";

export class InventoryStream extends DurableObject<Env> {}
export class AccountLookup extends DurableObject<Env> {}
export class SinkDelivery extends DurableObject<Env> {}

export default { fetch: () => new Response("starting") } satisfies ExportedHandler<Env>;
