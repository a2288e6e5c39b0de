/** Keeps runs from reading another org than the one whose inventory is stored. */
import type { Connection } from "../config/types.ts";
import type { OrgVerdict } from "../contract/org.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import { sha256Hex } from "../lib/bytes.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { OktaApi } from "../okta/api.ts";
import type { OktaError } from "../okta/errors.ts";
import { judgeOrg, knownVerdict, type OrgAnswer, type OrgSettings } from "./org-identity.ts";
import type { SyncMeta } from "./store.ts";

/** What leads to the org. The credential is kept as a fingerprint, 64 bits of SHA-256, that only shows changes. */
export const orgSettingsOf = async ({ baseUrl, credential }: Connection): Promise<OrgSettings> => ({
  baseUrl,
  credential: (await sha256Hex(JSON.stringify(credential))).slice(0, 16),
});

/** What is known of the org, and asking it who it is. */
export class OrgGuard {
  readonly #meta: Meta<SyncMeta>;
  readonly #inventory: Inventory;
  readonly #settings: OrgSettings;
  readonly #now: () => number;

  /** @param now ms since the epoch */
  constructor(meta: Meta<SyncMeta>, inventory: Inventory, settings: OrgSettings, now: () => number) {
    this.#meta = meta;
    this.#inventory = inventory;
    this.#settings = settings;
    this.#now = now;
  }

  /** What can be said without asking; null if the org has to be asked first. */
  known(): OrgVerdict | null {
    return knownVerdict(this.#meta.get("org"), this.#settings, this.#now());
  }

  /**
   * Asks the org who it is, in one call without the credential, and stores what came of it. Error: only
   * `rate_limited`. An org that cannot be reached, or does not say, is a verdict.
   */
  async ask(api: Pick<OktaApi, "organization">): Promise<Result<OrgVerdict, OktaError>> {
    const organization = await api.organization();
    if (!organization.ok && organization.error.code === "rate_limited") return err(organization.error);
    const id = organization.ok ? organization.value.id : null;
    const answer: OrgAnswer = id === null ? { unreachable: true } : { id };
    const { assets, groups } = this.#inventory;
    // Groups are stored before the first asset, and events may be as well.
    const noEvents = (this.#meta.get("log")?.next ?? null) === null;
    const isEmpty = assets.newestNumber() === 0 && groups.countAll() === 0 && noEvents;
    const kept = this.#meta.get("org");
    const { verdict, identity } = judgeOrg(kept, this.#settings, answer, { isEmpty, now: this.#now() });
    this.#meta.set("org", identity);
    return ok(verdict);
  }
}
