import { factorProfile } from "../generate/factors.ts";
import type { OrgState } from "../org/state.ts";
import type { OktaFactor, OktaUser } from "../org/types.ts";
import { type ChangeOptions, record, requireRow, userTarget } from "./common.ts";

// Nothing here changes the user's lastUpdated.

export const enrolFactor = (
  state: OrgState,
  userId: string,
  given: { id?: string | undefined; factorType: string; provider: string; status: string },
  options: ChangeOptions,
): OktaFactor => {
  const user = requireRow(state.store.users, userId).data;
  const now = state.clock.iso();
  const factor: OktaFactor = {
    id: given.id ?? state.random.id("mfa"),
    factorType: given.factorType,
    provider: given.provider,
    vendorName: given.provider,
    status: given.status,
    created: now,
    lastUpdated: now,
    profile: factorProfile(given.factorType, user),
  };
  state.store.setFactors(userId, [...state.store.factorsOf(user), factor]);
  if (factor.status === "ACTIVE") factorEvent(state, "user.mfa.factor.activate", user, factor, options);
  return factor;
};

const factorEvent = (
  state: OrgState,
  eventType: string,
  user: OktaUser,
  factor: OktaFactor | null,
  options: ChangeOptions,
): void =>
  record(state, options, {
    eventType,
    targets: [userTarget(user)],
    debugData: factor ? { factor: factor.factorType.toUpperCase() } : {},
  });

export const activateFactor = (
  state: OrgState,
  userId: string,
  factorId: string,
  options: ChangeOptions,
): OktaFactor => {
  const user = requireRow(state.store.users, userId).data;
  const factors = state.store.factorsOf(user);
  const old = factors.find((factor) => factor.id === factorId);
  if (!old) throw new RangeError(`nothing has the id ${factorId}`);
  const factor = { ...old, status: "ACTIVE", lastUpdated: state.clock.iso() };
  state.store.setFactors(
    userId,
    factors.map((other) => (other === old ? factor : other)),
  );
  factorEvent(state, "user.mfa.factor.activate", user, factor, options);
  return factor;
};

/** Removes one factor, or all of them with a null id. */
export const resetFactors = (
  state: OrgState,
  userId: string,
  factorId: string | null,
  options: ChangeOptions,
): void => {
  const user = requireRow(state.store.users, userId).data;
  const factors = state.store.factorsOf(user);
  if (factorId === null) {
    state.store.setFactors(userId, []);
    factorEvent(state, "user.mfa.factor.reset_all", user, null, options);
    return;
  }
  const old = factors.find((factor) => factor.id === factorId);
  if (!old) throw new RangeError(`nothing has the id ${factorId}`);
  state.store.setFactors(
    userId,
    factors.filter((other) => other !== old),
  );
  factorEvent(state, "user.mfa.factor.deactivate", user, old, options);
};
