/** Everything that one stream knows about the org. No network calls. Callers open the transaction of each write. */
import type { OktaDevice } from "../okta/records.ts";
import { Administrators } from "./administrators.ts";
import { Admins } from "./admins.ts";
import { type AssetReader, RecordReader } from "./asset-reader.ts";
import { Assets } from "./assets.ts";
import { DatedCopy } from "./dated-copy.ts";
import type { Facets, Standing } from "./facets.ts";
import { Factors } from "./factors.ts";
import type { DeviceFacts } from "./facts.ts";
import { Groups } from "./groups.ts";
import type { History } from "./history.ts";
import { Memberships } from "./memberships.ts";
import { type InventoryMeta, Meta, type OrgFact, withLaterFailure } from "./meta.ts";
import { isLaterSignIn, wholeSeconds } from "./precedence.ts";
import { Quarantine } from "./quarantine.ts";
import { Refused } from "./refused.ts";
import { Stale } from "./stale.ts";
import { type OrgStanding, orgStanding } from "./standing.ts";
import { Sweeps } from "./sweeps.ts";
import { countUnknown, type UserFactName } from "./unknown-facts.ts";
import { UserGroups } from "./user-groups.ts";
import { UserReader } from "./user-reader.ts";

export class Inventory {
  readonly meta: Meta<InventoryMeta>;
  readonly assets: Assets;
  readonly users: UserReader;
  readonly devices: RecordReader<OktaDevice, DeviceFacts>;
  readonly factors: Factors;
  readonly groups: Groups;
  readonly userGroups: UserGroups;
  readonly memberships: Memberships;
  readonly admins: Admins;
  readonly administrators: Administrators;
  /** What this stream keeps of the other one. */
  readonly copy: DatedCopy;
  readonly sweeps: Sweeps;
  readonly quarantine: Quarantine;
  readonly stale: Stale;
  readonly refused: Refused;
  readonly #sql: SqlStorage;

  /**
   * @param now ms since the epoch
   * @param rowsPerStep how many assets one step of a renumbering takes at most, other than usual
   */
  constructor(sql: SqlStorage, now: () => number, rowsPerStep?: number) {
    this.#sql = sql;
    this.meta = new Meta(sql);
    this.assets = new Assets(sql, this.meta, now, rowsPerStep);
    this.factors = new Factors(sql, this.assets, now);
    this.userGroups = new UserGroups(sql, this.meta, this.assets);
    this.groups = new Groups(sql, this.meta, this.assets, now);
    this.users = new UserReader(sql, this.meta, this.groups);
    this.devices = this.records((device) => ({ device }));
    this.memberships = new Memberships(sql, this.meta, this);
    this.admins = new Admins(sql, this.meta, this);
    this.administrators = new Administrators(sql, this.facets);
    this.copy = new DatedCopy(sql, this.meta, this.facets);
    this.sweeps = new Sweeps(sql);
    this.quarantine = new Quarantine(sql, now);
    this.stale = new Stale(sql, this.history);
    this.refused = new Refused(sql);
  }

  /** A random id, which tells this inventory from others that had or will have its name. */
  get id(): string {
    const known = this.meta.get("inventory");
    if (known !== null) return known;
    const id = crypto.randomUUID();
    this.meta.set("inventory", id);
    return id;
  }

  /** What has changed. */
  get history(): History {
    return this.assets.history;
  }

  /** How assets are alike. */
  get facets(): Facets {
    return this.assets.facets;
  }

  /** What is known about the whole org. */
  get standing(): OrgStanding {
    return orgStanding(this.#sql);
  }

  /** For how many existing users each fact is unknown; see `countUnknown`. */
  countUnknown(facets: readonly Standing[] = this.facets.totals()): Partial<Record<UserFactName, number>> {
    return countUnknown(facets, this.standing);
  }

  /** How many users there are that are not DEPROVISIONED; null if it is not known yet. */
  countPresent(): number | null {
    return this.assets.countNotDeprovisioned() || this.groups.everyoneCount();
  }

  /** The id of Everyone, if this user exists and belongs to it as far as that is known; else null. */
  everyoneOf(userId: string): string | null {
    if (!this.assets.exists(userId)) return null;
    const isGone = this.assets.statusOf(userId) === "DEPROVISIONED";
    const holdsAll = this.meta.get("everyone_holds_deprovisioned") ?? false;
    return isGone && !holdsAll ? null : this.groups.everyoneId();
  }

  /** A reader of assets whose facts come from the record alone. */
  records<R, F>(factsOf: (record: R) => F): RecordReader<R, F> {
    return new RecordReader(this.#sql, factsOf);
  }

  /**
   * Turns an asset into a tombstone that keeps the facts of its last event.
   * @returns false if no such asset exists
   */
  bury(reader: AssetReader<unknown>, id: string): boolean {
    const asset = reader.one(id);
    return asset !== null && this.assets.bury(id, JSON.stringify(asset.facts));
  }

  /**
   * Files a sign-in that the System Log reported.
   * @param at ISO 8601
   * @returns false if the user does not exist or a sign-in at least as new is known
   */
  setLastLogin(userId: string, at: string): boolean {
    const lastLogin = wholeSeconds(at);
    const user = this.users.one(userId);
    if (user === null) this.assets.noteLastLogin(userId, lastLogin);
    if (user === null || user.deletedAt !== null) return false;
    const { lastLogin: before } = user.facts.user;
    if (!isLaterSignIn(lastLogin, before)) return false;
    return this.assets.file([{ ...user.facts.user, lastLogin }]).changed.size > 0;
  }

  /**
   * Stores how far memberships are known for the whole org. Every event depends on it, so a change gives all assets
   * new sequence numbers.
   */
  setGroupsKnown(reading: OrgFact): void {
    const was = this.meta.get("groups");
    const next = withLaterFailure(was, reading);
    this.meta.set("groups", next);
    if (((was?.at ?? null) === null) !== (next.at === null) || (was?.reason ?? null) !== next.reason)
      this.assets.touchAll();
  }
}
