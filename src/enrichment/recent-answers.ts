import type { CachedAnswer } from "./cached-answer.ts";
import type { Identifier } from "./identifier.ts";

/** Other places, and this one where it has just read a miss, may see a KV write this much later. */
const KV_LAG_MS = 60_000;
const MAX_ANSWERS = 500;

/** The answers that one object has just stored, kept while another place may not see them in KV yet. */
export class RecentAnswers {
  /** By the identifier's key, the oldest first. */
  readonly #answers = new Map<string, CachedAnswer>();

  /** @param now ms since the epoch */
  find(identifier: Identifier, now: number): CachedAnswer | null {
    const answer = this.#answers.get(identifier.key);
    return answer === undefined || now - answer.at > KV_LAG_MS ? null : answer;
  }

  /** @param now ms since the epoch */
  keep(identifier: Identifier, answer: CachedAnswer, now: number): void {
    this.#answers.delete(identifier.key);
    this.#answers.set(identifier.key, answer);
    for (const [key, { at }] of this.#answers) {
      if (this.#answers.size <= MAX_ANSWERS && now - at <= KV_LAG_MS) break;
      this.#answers.delete(key);
    }
  }
}
