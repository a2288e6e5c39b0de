/**
 * How a stream keeps its dated copy of the other stream of its connection. When a run has succeeded, the other stream is
 * told how far this one is; the other one asks for what has changed since its copy, page by page, and stores each page with
 * the cursor. All of it is best effort: none of it can fail or hold up a run, and what did not work is made up for after
 * the other stream's next run.
 */
import type { CopyPage, CopySource } from "../contract/copies.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { RunKind } from "../contract/status.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { CopyState, Meta } from "../inventory/meta.ts";
import { errorFields, log } from "../lib/log.ts";
import { within } from "../lib/timeout.ts";
import type { StreamDefinition } from "../streams/definition.ts";
import type { Schedule } from "./schedule.ts";
import type { SyncMeta } from "./store.ts";

/** Pages that are asked for before others are let in again. */
const PAGES_AT_ONCE = 20;
/** How long the other stream may take for an answer, ms. */
const PATIENCE_MS = 10_000;
/** When what was cut short or failed is tried again, ms. */
const RETRY_MS = 60_000;
/** How often it is tried, at most, until the other stream tells of its next run. */
const MOST_TRIES = 5;
/** A copy that was left alone for longer begins anew: tombstones are kept for 30 days. */
const TOO_OLD_MS = 25 * 86_400_000;

/** The other stream of the connection. */
export interface OtherStream {
  readonly tell: (source: CopySource) => Promise<void>;
  readonly page: (after: number) => Promise<CopyPage | null>;
}

interface CopyControlDeps {
  readonly identity: StreamIdentity;
  readonly definition: StreamDefinition;
  readonly inventory: Inventory;
  readonly meta: Meta<SyncMeta>;
  /** Null if there is none. */
  readonly other: OtherStream | null;
  readonly schedule: () => Schedule;
  readonly transaction: <T>(work: () => T) => T;
  /** What is known of these users' devices has changed. Called within the transaction that changed it. */
  readonly changed: (userIds: readonly string[]) => void;
  /** Called after the copy was brought forward, or could not be; sets the alarm. */
  readonly settled: () => Promise<void>;
  /** Keeps the object in memory until the work is done. */
  readonly background: (work: Promise<void>) => void;
  /** ms since the epoch */
  readonly now: () => number;
}

type Outcome = "done" | "more" | "later";

const areSame = (a: CopyState | null, b: CopyState | null): boolean =>
  a?.inventory === b?.inventory && a?.cursor === b?.cursor;

/** The copies of one stream: the one that it keeps, and the one that is kept of it. */
export class CopyControl {
  readonly #deps: CopyControlDeps;
  /** Whether a run has succeeded that the other stream was not told of. After a kill, the next run makes up for it. */
  #isUntold = false;
  #isPulling = false;
  /** Whether the other stream has told something since the last page was asked for. */
  #hasNews = false;

  constructor(deps: CopyControlDeps) {
    this.#deps = deps;
  }

  /** When the copy is to be brought forward, ms since the epoch; null if it is not. */
  get dueAt(): number | null {
    return this.#deps.meta.get("copyDue")?.at ?? null;
  }

  /** A run has succeeded. Called in the transaction that ends it. */
  ran(kind: RunKind): void {
    const { other, inventory } = this.#deps;
    if (other === null) return;
    this.#isUntold = true;
    // The other stream may have told of its runs before this one had anything stored.
    if (kind === "full" && inventory.copy.at === null) this.#want();
  }

  /** Tells the other stream of a run that has succeeded, in the background, and brings the copy forward if it is due. Never throws. */
  work(): void {
    if (this.#isUntold) this.#inBackground("copy_not_told", () => this.#tell());
    this.#isUntold = false;
    this.#inBackground("copy_not_renewed", () => this.#renew());
  }

  /** The other stream's run has succeeded; see `CopiesApi.otherRan`. */
  told(source: CopySource): void {
    const { inventory, transaction, now } = this.#deps;
    transaction(() => {
      const { copy } = inventory;
      const isCurrent =
        this.dueAt === null &&
        copy.at !== null &&
        copy.state?.inventory === source.inventory &&
        copy.state.cursor === source.head &&
        this.#isOurOrg(source);
      if (isCurrent) copy.confirm(source, now());
      else this.#want();
    });
  }

  /** What the other stream's copy takes over next; see `CopiesApi.copyPage`. */
  page(after: number): CopyPage | null {
    const { definition, identity, inventory } = this.#deps;
    const source = this.#source();
    if (source === null || definition.copied === undefined) return null;
    const frame = { ...source, of: identity.stream };
    if (inventory.assets.renumbering.isUnfinished)
      return { ...frame, gone: [], last: after, more: true, settling: true };
    const { last, more, ...assets } = definition.copied(inventory, after);
    return { ...frame, ...assets, more, last: more && last !== null ? last : source.head };
  }

  /** Null before the first successful run. */
  #source(): CopySource | null {
    const { inventory, meta, schedule } = this.#deps;
    const { lastSuccessAt } = schedule();
    if (lastSuccessAt === null) return null;
    const org = meta.get("org")?.id ?? null;
    return { inventory: inventory.id, org, head: inventory.assets.head, endedAt: lastSuccessAt };
  }

  #isOurOrg({ org }: CopySource): boolean {
    const ours = this.#deps.meta.get("org")?.id ?? null;
    return org === null || ours === null || org === ours;
  }

  #want(): void {
    this.#hasNews = true;
    this.#deps.meta.set("copyDue", { at: this.#deps.now(), tries: 0 });
  }

  #inBackground(event: string, work: () => Promise<void>): void {
    const { background, identity } = this.#deps;
    const guarded = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        log("warn", event, { ...identity, ...errorFields(error) });
      }
    };
    background(guarded());
  }

  async #tell(): Promise<void> {
    const source = this.#source();
    if (source !== null) await this.#deps.other?.tell(source);
  }

  /** Brings the copy forward if it is due. */
  async #renew(): Promise<void> {
    const { meta, now, settled } = this.#deps;
    const due = meta.get("copyDue");
    if (due === null || due.at > now() || this.#isPulling) return;
    if (due.tries >= MOST_TRIES) return meta.delete("copyDue");
    // If this is killed at any point, the alarm continues.
    meta.set("copyDue", { at: now() + RETRY_MS, tries: due.tries + 1 });
    this.#isPulling = true;
    try {
      const outcome = await this.#pull();
      if (outcome === "more" || (outcome === "done" && this.#hasNews)) this.#want();
      else if (outcome === "done") meta.delete("copyDue");
    } finally {
      this.#isPulling = false;
      await settled();
    }
  }

  async #pull(): Promise<Outcome> {
    const { inventory, other, transaction, now } = this.#deps;
    if (other === null) return "done";
    for (let pages = 0; pages < PAGES_AT_ONCE; pages++) {
      if (transaction(() => inventory.copy.clear())) {
        await scheduler.wait(0);
        continue;
      }
      const { state } = inventory.copy;
      if (state !== null && now() - state.workedAt > TOO_OLD_MS) {
        transaction(() => inventory.copy.begin(state.inventory, now()));
        continue;
      }
      this.#hasNews = false;
      const page = await within(PATIENCE_MS, other.page(state?.cursor ?? 0));
      if (page === null) return "done";
      if (page.settling === true) return "later";
      if (transaction(() => this.#take(state, page))) return "done";
    }
    return "more";
  }

  /**
   * Takes over a page.
   * @param asked how far the copy was made when the page was asked for
   * @returns whether it was the last one
   */
  #take(asked: CopyState | null, page: CopyPage): boolean {
    const { inventory, changed, now } = this.#deps;
    const { copy } = inventory;
    // Meanwhile the inventory may have begun anew.
    if (!areSame(copy.state, asked)) return false;
    if (!this.#isOurOrg(page)) {
      // Nothing of another org may stand for what is not known of this one.
      if (asked !== null) copy.begin("", now());
      return true;
    }
    if (asked === null) copy.begin(page.inventory, now());
    else if (asked.inventory !== page.inventory || page.head < asked.cursor) {
      copy.begin(page.inventory, now());
      return false;
    }
    const users = copy.take(page, now());
    // To the first copy everything is new, which does not mean that it has changed.
    if (asked !== null && asked.at !== null) changed(users);
    return !page.more;
  }
}
