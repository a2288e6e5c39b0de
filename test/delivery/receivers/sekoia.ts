/** Sekoia.io's asset connector endpoint and its tasks. */
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

const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.values(value).some(hasNull));

export class SekoiaReceiver implements Receiver {
  readonly delivered: Delivered[] = [];
  poisoned: Poisoned = new Set();
  readonly batches: number[] = [];
  /** What tasks answer. */
  taskStatus = "FINISHED";
  tasks = 0;
  readonly apiKey: string;
  readonly connector: string;

  constructor(apiKey: string, connector: string) {
    this.apiKey = apiKey;
    this.connector = connector;
  }

  async handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.headers.get("authorization") !== `Bearer ${this.apiKey}`) {
      return json(401, { code: "T300", message: "The token is not valid" });
    }
    const [, task] = /^\/api\/v1\/tasks\/([^/]+)$/.exec(pathname) ?? [];
    if (task !== undefined && request.method === "GET")
      return json(200, { uuid: task, status: this.taskStatus });
    if (
      pathname !== `/api/v2/asset-management/asset-connector/${this.connector}` ||
      request.method !== "POST"
    ) {
      return json(404, { code: "T404", message: "no such connector" });
    }
    if (request.headers.get("content-type") !== "application/json") return json(415, { code: "T415" });
    const body = parse(await request.text());
    if (typeof body !== "object" || body === null || !("version" in body) || body.version !== 1) {
      return json(400, { code: "T400", message: "version" });
    }
    if (
      !("items" in body) ||
      !Array.isArray(body.items) ||
      !body.items.every(isEvent) ||
      body.items.length > 100
    ) {
      return json(400, { code: "T400", message: "items" });
    }
    if (hasNull(body) || body.items.some((event) => isPoisoned(event, this.poisoned))) {
      return json(400, { code: "T400", message: "an item does not validate" });
    }
    this.batches.push(body.items.length);
    this.delivered.push(...body.items.map(deliveredOf));
    this.tasks += 1;
    return json(200, { task_id: `task-${this.tasks}` });
  }
}
