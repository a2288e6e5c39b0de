/** A small simulated org with somebody known in it, and what reads it whole and then a change of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { createOktaOrg } from "../../dev/okta-org/index.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import { controlOf } from "../support/control.ts";
import { serveFetch } from "../support/serve-fetch.ts";

const PATIENCE_MS = 60_000;

/** An administrator with a device, whom another administrator suspends. */
export const jane = {
  id: "00uJane",
  login: "jane@example.com",
  device: "guoJane",
  serial: "C02JANE",
} as const;
const helpdesk = { id: "00uHelpdesk", login: "helpdesk@example.com" } as const;

export interface SmallOrg {
  readonly url: string;
  /** Makes a Worker read the org, have Jane suspended, and read that. */
  readonly syncTo: (origin: string, key: string) => Promise<void>;
  close(): Promise<void>;
}

export const serveSmallOrg = async (): Promise<SmallOrg> => {
  const org = createOktaOrg({ users: 12, groups: 3, devices: 3, limits: "none", seed: 1 });
  const { url, close } = await serveFetch(org.fetch);
  const control = controlOf(url);
  for (const { id, login } of [jane, helpdesk]) {
    const profile = { login, email: login, firstName: login.split("@")[0], lastName: "Doe" };
    await control("POST", "/users", { id, profile, status: "ACTIVE" });
    await control("POST", `/users/${id}/roles`, { type: "SUPER_ADMIN" });
  }
  const profile = { displayName: "laptop", platform: "MACOS", serialNumber: jane.serial, registered: true };
  await control("POST", "/devices", { id: jane.device, profile, users: [{ userId: jane.id }] });

  return {
    url,
    close,
    syncTo: async (origin, key) => {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const status = async (stream: string): Promise<StreamStatus> =>
        (await fetch(`${origin}/v1/streams/${stream}`, { headers })).json();
      const run = async (stream: string, kind: "full" | "delta"): Promise<void> => {
        const body = JSON.stringify({ kind });
        await fetch(`${origin}/v1/streams/${stream}/runs`, { method: "POST", headers, body });
        const deadline = Date.now() + PATIENCE_MS;
        for (;;) {
          const now = await status(stream);
          const last = kind === "full" ? now.last_full : now.last_delta;
          if (now.run === null && now.delta === null && last?.state === "done") return;
          if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(now)}`);
          await sleep(25);
        }
      };
      await Promise.all([run("users", "full"), run("devices", "full")]);
      await control("POST", `/users/${jane.id}/suspend`, { actor: helpdesk.id });
      await run("users", "delta");
    },
  };
};
