/** What a stream does about its org outside runs. */
import type { Connection } from "../config/types.ts";
import type { OrgVerdict } from "../contract/org.ts";
import type { StreamRefusal } from "../contract/stream-api.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaSession } from "../okta/connect.ts";
import { OrgGuard, orgSettingsOf } from "./org-guard.ts";
import type { OrgIdentity } from "./org-identity.ts";
import type { SyncMeta } from "./store.ts";

interface OrgControlDeps {
  readonly meta: Meta<SyncMeta>;
  readonly inventory: Inventory;
  /** The connection's settings; null while they are invalid. */
  readonly connection: () => Connection | null;
  /** Opens a session with Okta. */
  readonly session: (connection: Connection) => OktaSession;
  /** ms since the epoch */
  readonly now: () => number;
}

/** The org of one stream. */
export class OrgControl {
  readonly #deps: OrgControlDeps;
  /** The question that is under way, for all who ask meanwhile. */
  #asking: Promise<OrgVerdict> | null = null;

  constructor(deps: OrgControlDeps) {
    this.#deps = deps;
  }

  /** What is remembered of the org; once a wrong base URL is corrected, without the org that answered there. */
  get known(): OrgIdentity | null {
    const { meta, connection } = this.#deps;
    const settings = connection();
    const org = meta.get("org");
    const isCorrected = settings !== null && org?.changed?.baseUrl !== settings.baseUrl;
    return org !== null && isCorrected ? { ...org, changed: null } : org;
  }

  /** Whether the settings lead to the host where the org was when it last said who it is. */
  get isWhereItWas(): boolean {
    const { meta, connection } = this.#deps;
    const [org, settings] = [meta.get("org"), connection()];
    return org === null || settings === null || org.baseUrl === settings.baseUrl;
  }

  /** Lets the next run ask the org who it is: a person may have corrected what made another one answer. */
  askAgain(): void {
    const org = this.#deps.meta.get("org");
    if (org !== null && org.changed !== null) this.#deps.meta.set("org", { ...org, askedAt: 0 });
  }

  /** Whether the org that answers is the one whose inventory is stored. Asks it if the settings have changed. */
  async verdict(): Promise<OrgVerdict> {
    const { inventory, connection } = this.#deps;
    const settings = connection();
    if (settings === null || inventory.assets.newestNumber() === 0) return "unverified";
    this.#asking ??= this.#ask(settings).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(settings: Connection): Promise<OrgVerdict> {
    const { meta, inventory, session, now } = this.#deps;
    const guard = new OrgGuard(meta, inventory, await orgSettingsOf(settings), now);
    const known = guard.known();
    if (known !== null) return known;
    const { api, done } = session(settings);
    const asked = await guard.ask(api).finally(() => done());
    return asked.ok ? asked.value : "waiting";
  }

  /**
   * Asks the org that is there now for its id, and compares it.
   * @param orgId the id that it should have
   * @returns what to remember of it. Errors: `misconfigured`, `unavailable` if it does not say, `conflict` if it is
   *   another one
   */
  async identify(orgId: string): Promise<Result<OrgIdentity, StreamRefusal>> {
    const { connection, session, now } = this.#deps;
    const settings = connection();
    if (settings === null) return err(misconfigured);
    const { api, done } = session(settings);
    const organization = await api.organization().finally(() => done());
    const id = organization.ok ? organization.value.id : null;
    if (id === null) {
      const why = organization.ok ? "Okta did not tell the org's id" : organization.error.message;
      return err({
        code: "unavailable",
        message: `The org cannot be identified now: ${why}. Try again soon.`,
      });
    }
    if (id === orgId) return ok({ id, ...(await orgSettingsOf(settings)), askedAt: now(), changed: null });
    const message = `The org at ${settings.baseUrl} has the id ${id}, not the one in org_id. Nothing was changed.`;
    return err({ code: "conflict", message });
  }
}

/** Why a stream refuses everything that needs settings. */
export const misconfigured: StreamRefusal = {
  code: "misconfigured",
  message: "The connection's settings are invalid. GET /v1/streams says what is wrong.",
};
