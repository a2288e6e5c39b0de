/** Keeps look-ups from answering with the people of another org than the one whose inventory is stored. */
import type { Connection } from "../config/types.ts";
import type { OrgVerdict } from "../contract/org.ts";
import { errorFields, log } from "../lib/log.ts";
import { orLate } from "../lib/timeout.ts";
import type { LookupFailure } from "./answer.ts";

/** How long a verdict is taken for granted, ms. */
const GRANTED_MS = 30_000;
/** How long a look-up waits for one, ms. */
const PATIENCE_MS = 2_000;

const failures: Readonly<Partial<Record<OrgVerdict, LookupFailure>>> = {
  changed: {
    code: "org_changed",
    message:
      "another Okta org answers at the connection's base URL; GET /v1/streams/users says under attention what to do",
    retryAt: null,
  },
  waiting: {
    code: "unavailable",
    message:
      "the connection's base URL or credential has changed, and Okta does not say yet whether it is the same org",
    retryAt: null,
  },
};

/** Knows whether the org is the right one, by what the users stream has said of the same settings in the last 30 s. */
export class OrgCheck {
  #granted: { readonly baseUrl: string; readonly at: number } | null = null;

  /** Whether the users stream has to be asked. */
  isDue({ baseUrl }: Pick<Connection, "baseUrl">): boolean {
    return this.#granted?.baseUrl !== baseUrl || Date.now() - this.#granted.at >= GRANTED_MS;
  }

  /**
   * Why nothing may be looked up there; null if it may. A stream that cannot be asked keeps nobody waiting.
   * @param ask asks the users stream of the connection
   */
  async refusal(
    connection: Pick<Connection, "id" | "baseUrl">,
    ask: () => Promise<OrgVerdict>,
  ): Promise<LookupFailure | null> {
    if (!this.isDue(connection)) return null;
    const { id, baseUrl } = connection;
    const granted = this.#granted;
    // A stream that is busy says nothing against an org that was the right one a while ago.
    const late = granted?.baseUrl === baseUrl ? "unverified" : "waiting";
    try {
      const failure = failures[await orLate(PATIENCE_MS, ask(), () => late)] ?? null;
      this.#granted = failure === null ? { baseUrl, at: Date.now() } : null;
      return failure;
    } catch (error) {
      log("warn", "enrichment_org_unchecked", { connection: id, ...errorFields(error) });
      return null;
    }
  }
}
