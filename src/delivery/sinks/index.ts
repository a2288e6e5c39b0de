/** The sink types. A new one needs a file next to this one and an entry here. */
import type { SinkType } from "../definition.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { http } from "./http.ts";
import { queue } from "./queue.ts";
import { r2 } from "./r2.ts";
import { s3 } from "./s3.ts";
import { sekoia } from "./sekoia.ts";
import { sentinel } from "./sentinel.ts";
import { splunkHec } from "./splunk-hec.ts";

/** In the order in which messages name them. */
export const sinkTypes: readonly SinkType[] = [
  sekoia,
  http,
  r2,
  s3,
  splunkHec,
  elasticsearch,
  sentinel,
  queue,
];
