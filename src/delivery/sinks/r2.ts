/** R2 as a data lake. */
import { presentable } from "../../lib/redact.ts";
import { bound } from "../binding.ts";
import { defineSink } from "../definition.ts";
import {
  type LakeOptions,
  lakeSink,
  lakeSnapshots,
  type ObjectStore,
  prefixKey,
  prefixOf,
  trialKey,
} from "../lake.ts";
import { bindingName } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import type { Sink, SinkTools } from "../sink.ts";
import { failedTest, passed } from "../trial.ts";

interface R2Options extends LakeOptions {
  readonly binding: string;
}

type R2Settings = SinkSettings & R2Options;

const remedy = "enable R2 and uncomment [[r2_buckets]] in wrangler.toml with this binding name";

const isBucket = (binding: unknown): binding is R2Bucket =>
  typeof binding === "object" && binding !== null && "put" in binding && "head" in binding;

const bucketOf = (settings: R2Settings, tools: SinkTools) =>
  bound(tools, settings, {
    noun: "bucket",
    is: isBucket,
    remedy,
    failure: "the object could not be written",
    event: "r2_write_failed",
  });

const storeOf = (settings: R2Settings, tools: SinkTools): ObjectStore => ({
  put: (key, contentType, contents) =>
    bucketOf(settings, tools).deliver(async (bucket) =>
      bucket.put(key, await contents(), { httpMetadata: { contentType } }),
    ),
});

const openR2 = (settings: R2Settings, tools: SinkTools): Sink => ({
  ...lakeSink(settings, tools, storeOf(settings, tools)),
  /** Asks for an object that need not exist. */
  test: () =>
    bucketOf(settings, tools).test(async (bucket) => {
      try {
        await bucket.head(trialKey(settings, tools));
        return passed(null, `the bucket bound as ${settings.binding} answers; nothing was written`);
      } catch (thrown) {
        return failedTest(null, `the bucket did not answer: ${presentable(String(thrown), [])}`, remedy);
      }
    }),
});

export const r2 = defineSink({
  type: "r2",
  dialect: "ocsf",
  endpoints: "one",
  keys: { binding: bindingName.default("EVENTS"), prefix: prefixKey },
  resolve: ({ binding, prefix }, resolver): R2Options => ({
    binding: resolver.binding("binding", binding, remedy),
    prefix: prefixOf(prefix),
  }),
  open: openR2,
  snapshots: (settings, tools) => lakeSnapshots(settings, tools, storeOf(settings, tools)),
});
