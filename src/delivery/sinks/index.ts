/** From settings to a sink. */
import type { SinkSettings } from "../settings-types.ts";
import type { Sink, SinkTools } from "../sink.ts";
import { createElasticsearchSink } from "./elasticsearch.ts";
import { createHttpSink } from "./http.ts";
import { createQueueSink } from "./queue.ts";
import { createR2Sink } from "./r2.ts";
import { createSekoiaSink } from "./sekoia.ts";
import { createSplunkHecSink } from "./splunk-hec.ts";

export const createSink = (settings: SinkSettings, tools: SinkTools): Sink => {
  switch (settings.type) {
    case "sekoia":
      return createSekoiaSink(settings, tools);
    case "http":
      return createHttpSink(settings, tools);
    case "r2":
      return createR2Sink(settings, tools);
    case "splunk_hec":
      return createSplunkHecSink(settings, tools);
    case "elasticsearch":
      return createElasticsearchSink(settings, tools);
    case "queue":
      return createQueueSink(settings, tools);
  }
};
