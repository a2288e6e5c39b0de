import { ChallengeError } from "../api/auth.ts";
import type { OauthClient, OrgOptions } from "../options.ts";
import type { Clock } from "../org/clock.ts";
import type { Random } from "../org/random.ts";

interface AccessToken {
  client: OauthClient;
  scopes: string[];
  expiresAt: number;
  /** Thumbprint of the DPoP key that the token is bound to. */
  jkt: string | null;
}

/** The org authorization server. */
export class Oauth {
  readonly #options: OrgOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #tokens: Map<string, AccessToken> = new Map();

  constructor(options: OrgOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
  }

  /** What an access token on an API call is worth. */
  async authenticate(
    scheme: "Bearer" | "DPoP",
    credential: string,
    _request: Request,
    _url: URL,
  ): Promise<{ client: OauthClient; scopes: string[] }> {
    const token = this.#tokens.get(credential);
    if (!token || token.expiresAt <= this.#clock.now()) {
      throw new ChallengeError(
        401,
        `${scheme} error="invalid_token", error_description="The token is not valid"`,
      );
    }
    return token;
  }

  revokeAll(): void {
    this.#tokens = new Map();
  }
}
