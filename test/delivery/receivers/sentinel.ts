/** Azure Monitor's Logs Ingestion API for one stream of one data collection rule, behind Microsoft's token endpoint. */
import {
  type Delivered,
  deliveredOf,
  isEvent,
  isPoisoned,
  json,
  type Poisoned,
  parse,
  type Receiver,
} from "./receiver.ts";
import type { TokenEndpoint } from "./token-endpoint.ts";

export interface SentinelReceiverOptions {
  readonly tenantId: string;
  readonly ruleId: string;
  readonly streamName: string;
  readonly tokens: TokenEndpoint;
}

const refusal = (status: number, code: string, message: string): Response =>
  json(status, { error: { code, message } });

export class SentinelReceiver implements Receiver {
  readonly delivered: Delivered[] = [];
  poisoned: Poisoned = new Set();
  readonly records: Readonly<Record<string, unknown>>[] = [];
  /** Whether the app has the role on the rule. */
  mayPublish = true;
  posts = 0;
  readonly options: SentinelReceiverOptions;

  constructor(options: SentinelReceiverOptions) {
    this.options = options;
  }

  async handle(request: Request): Promise<Response> {
    const { tenantId, ruleId, streamName, tokens } = this.options;
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === `/${tenantId}/oauth2/v2.0/token`) return tokens.handle(request);
    this.posts += 1;
    const text = new TextDecoder().decode(await request.arrayBuffer());
    if (request.method !== "POST") return refusal(405, "MethodNotAllowed", "method");
    if (!tokens.allows(request.headers)) return refusal(401, "InvalidToken", "The token is not valid");
    const [, rule, stream] = /^\/dataCollectionRules\/([^/]+)\/streams\/([^/]+)$/.exec(pathname) ?? [];
    if (rule !== ruleId)
      return refusal(404, "NotFound", `Data collection rule with immutable Id '${rule}' not found.`);
    if (!this.mayPublish)
      return refusal(403, "OperationFailed", "The authentication token has no access to ingest.");
    if (stream !== streamName || searchParams.get("api-version") !== "2023-01-01")
      return refusal(400, "InvalidStream", "The stream was not found in the data collection rule.");
    if (text.length > 1_048_576)
      return refusal(413, "ContentLengthLimitExceeded", "Maximum allowed content length");
    const list = parse(text);
    if (request.headers.get("content-type") !== "application/json" || !Array.isArray(list))
      return refusal(400, "InvalidPayload", "The payload is not a JSON array.");
    const events = list.map(({ Event }) => Event);
    if (!events.every(isEvent) || events.some((event) => isPoisoned(event, this.poisoned)))
      return refusal(400, "InvalidPayload", "A record cannot be read.");
    this.records.push(...list);
    this.delivered.push(...events.map(deliveredOf));
    return new Response(null, { status: 204 });
  }
}
