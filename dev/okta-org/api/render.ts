import type { OktaGroup, OktaRole, OktaUser } from "../org/types.ts";
import type { Call } from "./call.ts";
import type { Hit } from "./listing.ts";

/** What `okta-response` in the Content-Type leaves out: credentials, their links, the transition. */
const formOf = (request: Request): string => {
  const type = request.headers.get("content-type") ?? "";
  const links = type.includes("omitCredentialsLinks");
  const credentials = /omitCredentials(?!Links)/.test(type);
  return `${credentials ? "" : "c"}${links ? "" : "l"}${type.includes("omitTransitioningToStatus") ? "" : "t"}`;
};

const CREDENTIAL_LINKS = [
  "forgotPassword",
  "resetPassword",
  "expirePassword",
  "changePassword",
  "resetFactors",
];

const userText = (user: OktaUser, origin: string, form: string): string => {
  const href = `${origin}/api/v1/users/${user.id}`;
  const links: Record<string, { href: string; method?: string }> = { self: { href } };
  if (form.includes("l")) {
    for (const name of CREDENTIAL_LINKS) links[name] = { href: `${href}/lifecycle/${name}`, method: "POST" };
  }
  return JSON.stringify({
    ...user,
    ...(form.includes("t") ? { transitioningToStatus: null } : {}),
    ...(form.includes("c")
      ? { credentials: { password: {}, provider: { type: "OKTA", name: "OKTA" } } }
      : {}),
    _links: links,
  });
};

/**
 * The JSON text of a user as a call wants it; the last rendering is kept.
 * @param fields the only properties wanted, as `id,status,profile:(login,email)`; null: all
 */
export const renderUser = (
  call: Call,
  { row, data }: Hit<OktaUser>,
  fields: string | null = null,
): string => {
  const form = formOf(call.request);
  const text = () =>
    fields === null ? userText(data, call.origin, form) : JSON.stringify(projection(data, fields));
  if (row.data !== data) return text();
  const key = `${call.origin}${form}${fields ?? ""}`;
  if (row.rendered?.key !== key) row.rendered = { key, text: text() };
  return row.rendered.text;
};

/** The id, which is always part of it, and the wanted properties; unknown ones are left out. */
const projection = (user: OktaUser, fields: string): object => {
  const attributes = /profile:\(([^)]*)\)/
    .exec(fields)?.[1]
    ?.split(",")
    .map((name) => name.trim());
  const wanted = new Set(
    fields
      .replace(/:\([^)]*\)/, "")
      .split(",")
      .map((name) => name.trim()),
  );
  const kept = Object.entries(user).filter(([name]) => name === "id" || wanted.has(name));
  const profile = Object.entries(user.profile).filter(([name]) => attributes?.includes(name) ?? true);
  return {
    ...Object.fromEntries(kept),
    ...(wanted.has("profile") && { profile: Object.fromEntries(profile) }),
  };
};

const groupText = (group: OktaGroup, origin: string): string => {
  const href = `${origin}/api/v1/groups/${group.id}`;
  const logo = [
    { name: "medium", href: `${origin}/img/logos/groups/odyssey/okta-medium.png`, type: "image/png" },
  ];
  return JSON.stringify({
    ...group,
    _links: { logo, users: { href: `${href}/users` }, apps: { href: `${href}/apps` } },
  });
};

/** The JSON text of a group without its statistics; the last rendering is kept. */
export const renderGroup = (call: Call, { row, data }: Hit<OktaGroup>): string => {
  if (row.data !== data) return groupText(data, call.origin);
  if (row.rendered?.key !== call.origin)
    row.rendered = { key: call.origin, text: groupText(data, call.origin) };
  return row.rendered.text;
};

/** Roles as the API shows them, linked to their assignee. */
export const linkedRoles = (roles: readonly OktaRole[], assignee: string): object[] =>
  roles.map((role) => ({ ...role, _links: { assignee: { href: assignee } } }));
