/** Serves one simulated org on a local port: `npm run okta -- --users 1000 --port 8790`. */
import { parseArgs } from "node:util";
import { serve } from "@hono/node-server";
import { createOktaOrg } from "./index.ts";

const { values } = parseArgs({
  options: {
    users: { type: "string", default: "1000" },
    groups: { type: "string", default: "150" },
    devices: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    port: { type: "string", default: "8790" },
    hostname: { type: "string", default: "127.0.0.1" },
    "window-ms": { type: "string", default: "60000" },
    limits: { type: "string", default: "published" },
    token: { type: "string", default: "sim-token" },
    "latency-ms": { type: "string", default: "0" },
    pipeline: { type: "string", default: "idx" },
    epoch: { type: "string" },
  },
});

const org = createOktaOrg({
  users: Number(values.users),
  groups: Number(values.groups),
  devices: Number(values.devices),
  seed: Number(values.seed),
  windowMs: Number(values["window-ms"]),
  limits: values.limits === "none" ? "none" : "published",
  token: values.token,
  latencyMs: Number(values["latency-ms"]),
  pipeline: values.pipeline === "v1" ? "v1" : "idx",
  ...(values.epoch === undefined ? {} : { epoch: values.epoch }),
});

serve({ fetch: org.fetch, port: Number(values.port), hostname: values.hostname }, ({ port }) => {
  const { users, groups, devices, token } = org.options;
  console.log(`Simulated Okta org on http://${values.hostname}:${port}`);
  console.log(`${users} users, ${groups} groups, ${devices} devices; API token "${token}"`);
});
