/** The key pairs of a service app: those that the org accepts, and the one that the Worker signs with. */
import { exportJWK, generateKeyPair } from "jose";
import type { OktaOrg } from "../../okta-org/index.ts";

export const CLIENT = "0oasoak";
const SCOPES = ["users", "groups", "roles", "devices", "logs"].map((what) => `okta.${what}.read`);

type PublicKey = { readonly kty: string; readonly [part: string]: unknown };

export class Keys {
  readonly #org: OktaOrg;
  #known: PublicKey[] = [];
  #made = 0;

  constructor(org: OktaOrg) {
    this.#org = org;
  }

  /** Makes a key pair that the org accepts in addition to the others. @returns the private key for the settings */
  async add(): Promise<string> {
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    this.#made += 1;
    const kid = `k${this.#made}`;
    this.#known.push({ ...(await exportJWK(publicKey)), kid, kty: "RSA" });
    this.#tell();
    return JSON.stringify({ ...(await exportJWK(privateKey)), kid });
  }

  /** Removes every key except the newest, and revokes the tokens that were issued for them. */
  removeOld(): void {
    this.#known = this.#known.slice(-1);
    this.#tell();
    this.#org.state.oauth.revokeTokens();
  }

  #tell(): void {
    const keys = this.#known;
    this.#org.state.oauth.putClients([
      {
        clientId: CLIENT,
        jwks: { keys: [...keys] },
        scopes: [...SCOPES],
        dpop: true,
        adminRole: true,
        tokenLifetimeSeconds: 3600,
      },
    ]);
  }
}
