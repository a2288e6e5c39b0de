/** Products that are reached through a binding of the Worker. */
import { errorFields, log } from "../lib/log.ts";
import { presentable } from "../lib/redact.ts";
import { type DeliveryOutcome, retry, type SinkTest, type SinkTools, stopped } from "./sink.ts";
import { failedTest } from "./trial.ts";

/** A binding that may be absent, because a deployment can take it away while its sink stays in the settings. */
export interface Bound<Binding> {
  /** Does something with it; that it is absent, and what it throws, are outcomes. */
  deliver(work: (binding: Binding) => Promise<unknown>): Promise<DeliveryOutcome>;
  /** Tries it; that it is absent is a failed test. */
  test(trial: (binding: Binding) => Promise<SinkTest>): Promise<SinkTest>;
}

/**
 * Finds a binding each time that it is used.
 *
 * @param product.noun what is bound: `bucket`
 * @param product.remedy how to have it bound
 * @param product.failure what it means that it throws, for people: `the object could not be written`
 * @param product.event the same for the log: `r2_write_failed`
 */
export const bound = <Binding>(
  tools: SinkTools,
  settings: { readonly name: string; readonly binding: string },
  product: {
    readonly noun: string;
    readonly is: (binding: unknown) => binding is Binding;
    readonly remedy: string;
    readonly failure: string;
    readonly event: string;
  },
): Bound<Binding> => {
  const absent = `the Worker has no ${product.noun} bound as ${settings.binding}`;
  const remedy = `${product.remedy}, and deploy`;
  return {
    async deliver(work) {
      const binding = tools.binding(settings.binding);
      if (!product.is(binding)) {
        return stopped({ code: "configuration", status: null, message: `${absent}; ${remedy}` });
      }
      try {
        await work(binding);
        return { kind: "accepted" };
      } catch (thrown) {
        log("warn", product.event, { sink: settings.name, ...errorFields(thrown) });
        const message = `${product.failure}: ${presentable(String(thrown), [])}`;
        return retry({ code: "unavailable", status: null, message });
      }
    },
    async test(trial) {
      const binding = tools.binding(settings.binding);
      return product.is(binding) ? trial(binding) : failedTest(null, absent, remedy);
    },
  };
};
