import type { Call, Endpoint } from "./call.ts";

const getOrg = (call: Call): Response => {
  const { store, options } = call.state;
  return Response.json({
    id: store.orgId,
    subdomain: new URL(call.origin).hostname.split(".")[0],
    companyName: "Example Corp",
    status: "ACTIVE",
    created: options.epoch,
    lastUpdated: options.epoch,
    expiresAt: null,
    website: null,
    phoneNumber: null,
    _links: { organization: { href: call.origin } },
  });
};

/** The one document that needs no credential; it tells Identity Engine from Classic Engine. */
const getWellKnown = (call: Call): Response => {
  const { store, options } = call.state;
  return Response.json({
    id: store.orgId,
    pipeline: options.pipeline,
    settings: { analyticsCollectionEnabled: false, bugReportingEnabled: true, omEnabled: false },
    _links: { organization: { href: call.origin }, alternate: { href: options.alternate ?? call.origin } },
  });
};

export const orgEndpoints: Endpoint[] = [
  { path: "/api/v1/org", bucket: "/api/v1", scope: "okta.orgs.read", resource: "org", handle: getOrg },
  {
    path: "/.well-known/okta-organization",
    bucket: "/api/v1",
    scope: null,
    resource: null,
    handle: getWellKnown,
  },
];
