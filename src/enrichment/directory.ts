/**
 * Asks the inventory who has a name, which devices that user has, and whether its org is the right one, before Okta is
 * asked.
 */
import type { OrgVerdict } from "../contract/org.ts";
import type { LinkedDevices, NamedUser, NamesAnswer } from "../inventory/api.ts";
import { errorFields, log } from "../lib/log.ts";
import { orLate } from "../lib/timeout.ts";

/** What the directory needs of the users stream; the stub of the Durable Object fits. */
export interface NamesDesk {
  whoIs(name: string, asksOrg: boolean): Promise<NamesAnswer>;
  devicesOf(userId: string): Promise<LinkedDevices | null>;
  orgVerdict(): Promise<OrgVerdict>;
}

export interface Inquiry {
  /** Who has the name; null if nobody has it, several have it, or the inventory does not say so in time. Never rejects. */
  readonly user: Promise<NamedUser | null>;
  /** What it says of the org. Rejects if it cannot be asked. */
  readonly verdict: () => Promise<OrgVerdict>;
  /**
   * The devices of the user whom Okta has found. Asks once more where that is not the one who has the name in the inventory.
   * @returns null while there is no copy of the devices stream; undefined if the inventory does not say it in time. Never
   *   rejects
   */
  readonly devices: (userId: string) => Promise<LinkedDevices | null | undefined>;
}

/** How long a look-up waits for each answer, ms. Without that it asks Okta. */
const PATIENCE_MS = 1_000;
/** For how long the inventory is not asked for names after it has failed or kept somebody waiting, ms. */
const REST_MS = 10_000;

/** The inventory's names as one object asks for them. */
export class Directory {
  readonly #now: () => number;
  #restsUntil = 0;

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Asks at once, in one request.
   * @param asks `org` whether the verdict on the org is wanted; `names` whether it is of use who has the name
   */
  ask(desk: NamesDesk, name: string, asks: { readonly org: boolean; readonly names: boolean }): Inquiry {
    if (!asks.names || this.#rests) {
      return {
        user: Promise.resolve(null),
        verdict: () => desk.orgVerdict(),
        devices: (userId) => this.#devicesOf(desk, userId),
      };
    }
    const answer = (async () => desk.whoIs(name, asks.org))();
    const inTime = this.#inTime(answer);
    return {
      user: inTime.then((first) => first?.user ?? null),
      // A stream of the version before knows only the old question.
      verdict: () =>
        answer.then(({ verdict }) => verdict ?? desk.orgVerdict()).catch(() => desk.orgVerdict()),
      devices: async (userId) => {
        const first = await inTime;
        if (first === null) return undefined;
        const { user, devices } = first;
        const isTheirs = devices === null || (devices !== undefined && user?.id === userId);
        return isTheirs ? devices : this.#devicesOf(desk, userId);
      },
    };
  }

  get #rests(): boolean {
    return this.#now() < this.#restsUntil;
  }

  async #inTime(answer: Promise<NamesAnswer>): Promise<NamesAnswer | null> {
    try {
      const first = await orLate(PATIENCE_MS, answer, () => null);
      if (first !== null) return first;
      log("warn", "enrichment_names_late", {});
    } catch (error) {
      log("warn", "enrichment_names_unreadable", errorFields(error));
    }
    this.#rest();
    return null;
  }

  #rest(): void {
    this.#restsUntil = this.#now() + REST_MS;
  }

  async #devicesOf(desk: NamesDesk, userId: string): Promise<LinkedDevices | null | undefined> {
    if (this.#rests) return undefined;
    try {
      return await orLate(PATIENCE_MS, desk.devicesOf(userId), () => {
        this.#rest();
        return undefined;
      });
    } catch (error) {
      // A stream of the version before does not know the question, and knows names all the same.
      log("warn", "enrichment_devices_unreadable", errorFields(error));
      return undefined;
    }
  }
}
