/** Asks the inventory who has a name, and whether its org is the right one, before Okta is asked. */
import type { OrgVerdict } from "../contract/org.ts";
import type { NamedUser, NamesAnswer } from "../inventory/api.ts";
import { errorFields, log } from "../lib/log.ts";
import { orLate } from "../lib/timeout.ts";

/** What the directory needs of the users stream; the stub of the Durable Object fits. */
export interface NamesDesk {
  whoIs(name: string, asksOrg: boolean): Promise<NamesAnswer>;
  orgVerdict(): Promise<OrgVerdict>;
}

export interface Inquiry {
  /** Who has the name; null if nobody has it, several have it, or the inventory does not say so in time. Never rejects. */
  readonly user: Promise<NamedUser | null>;
  /** What it says of the org. Rejects if it cannot be asked. */
  readonly verdict: () => Promise<OrgVerdict>;
}

/** How long a look-up waits to hear who has a name, ms. Without that it asks Okta. */
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
    if (!asks.names || this.#now() < this.#restsUntil) {
      return { user: Promise.resolve(null), verdict: () => desk.orgVerdict() };
    }
    const answer = (async () => desk.whoIs(name, asks.org))();
    return {
      user: this.#inTime(answer),
      // A stream of the version before knows only the old question.
      verdict: () =>
        answer.then(({ verdict }) => verdict ?? desk.orgVerdict()).catch(() => desk.orgVerdict()),
    };
  }

  async #inTime(answer: Promise<NamesAnswer>): Promise<NamedUser | null> {
    try {
      const first = await orLate(PATIENCE_MS, answer, () => null);
      if (first !== null) return first.user;
      log("warn", "enrichment_names_late", {});
    } catch (error) {
      log("warn", "enrichment_names_unreadable", errorFields(error));
    }
    this.#restsUntil = this.#now() + REST_MS;
    return null;
  }
}
