import type { UserFacts } from "../../inventory/facts.ts";
import { displayName, filled, fullName, isAdmin } from "../../ocsf/derive.ts";
import { type AssetPage, ago, text, time, truth } from "../asset-page.ts";

/** The content of a user's page. */
export const userPage = (facts: UserFacts): AssetPage => {
  const { user } = facts;
  const { profile } = user;
  const place = [profile.city, profile.state, profile.countryCode ?? profile.country].filter(Boolean);
  return {
    name: displayName(profile) ?? user.id,
    noun: "Person",
    facts: [
      ["Status", { as: "status", status: user.status }],
      ["Administrator", truth(isAdmin(facts), false)],
      ["Login", text(profile.login)],
      ["E-mail", text(profile.email)],
      ...(profile.secondEmail === undefined ? [] : [["Second e-mail", text(profile.secondEmail)] as const]),
      ["Full name", text(fullName(profile.firstName, profile.lastName))],
      ["Display name", text(profile.displayName)],
      ["Title", text(filled(profile.title) ?? profile.jobTitle)],
      ["Department", text(profile.department)],
      ["Organization", text(profile.organization)],
      ["Manager", text(profile.manager ?? profile.managerId)],
      ["Employee number", text(profile.employeeNumber)],
      ["Phone", text(profile.mobilePhone ?? profile.primaryPhone)],
      ["Place", text(place.join(", "))],
      ["Last login", ago(user.lastLogin)],
      ["Password changed", ago(user.passwordChanged)],
      ["Status changed", time(user.statusChanged)],
      ["Created", time(user.created)],
      ["Updated in Okta", time(user.lastUpdated)],
      ["Okta id", { as: "code", text: user.id }],
    ],
    sections: [
      [
        { kind: "factors", fact: facts.factors },
        { kind: "roles", fact: facts.roles },
      ],
      [{ kind: "groups", fact: facts.groups }],
      [{ kind: "linked", stream: "devices", userId: user.id }],
    ],
    lookUp: profile.login === undefined ? null : user.id,
  };
};
