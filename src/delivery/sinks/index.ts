/** The sink types. A new one is a file beside this one and a line here. */
import type { SinkType } from "../definition.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { http } from "./http.ts";
import { queue } from "./queue.ts";
import { r2 } from "./r2.ts";
import { sekoia } from "./sekoia.ts";
import { splunkHec } from "./splunk-hec.ts";

/** In the order in which messages name them. */
export const sinkTypes: readonly SinkType[] = [sekoia, http, r2, splunkHec, elasticsearch, queue];
