import type { OrgState } from "../org/state.ts";
import type { DeviceLink, DeviceStatus, LogActor, OktaDevice, Profile } from "../org/types.ts";
import { type ChangeOptions, record, requireRow, userTarget, versionAt } from "./common.ts";

/** Steps of a device's life cycle. Okta returns an unsuspended device to ACTIVE. */
const DEVICE_LIFECYCLE: Record<string, { status: DeviceStatus; eventType: string }> = {
  suspend: { status: "SUSPENDED", eventType: "device.lifecycle.suspend" },
  unsuspend: { status: "ACTIVE", eventType: "device.lifecycle.unsuspend" },
  deactivate: { status: "DEACTIVATED", eventType: "device.lifecycle.deactivate" },
  activate: { status: "ACTIVE", eventType: "device.lifecycle.activate" },
};

const deviceTarget = (device: OktaDevice): LogActor => ({
  id: device.id,
  type: "Device",
  alternateId: null,
  displayName: String(device.profile["displayName"] ?? ""),
});

export const createDevice = (
  state: OrgState,
  given: Partial<OktaDevice> & { profile: Profile },
  options: ChangeOptions,
): OktaDevice => {
  const now = state.clock.iso();
  const device: OktaDevice = {
    id: state.random.id("guo"),
    status: "ACTIVE",
    created: now,
    lastUpdated: now,
    ...given,
  };
  if (state.store.devices.byId.has(device.id)) throw new RangeError(`the id ${device.id} is taken`);
  state.store.devices.insert(device, versionAt(state));
  state.store.deviceLinks.set(device.id, []);
  record(state, options, { eventType: "device.enrollment.create", targets: [deviceTarget(device)] });
  return device;
};

/** New signals from the device. Changes lastUpdated without an event in the log, like Okta Verify. */
export const updateDevice = (state: OrgState, id: string, profile: Profile): OktaDevice => {
  const row = requireRow(state.store.devices, id);
  const device = {
    ...row.data,
    profile: { ...row.data.profile, ...profile },
    lastUpdated: state.clock.iso(),
  };
  state.store.devices.replace(row, device, versionAt(state));
  return device;
};

/** A step of the life cycle. Changes lastUpdated. */
export const changeDeviceStatus = (
  state: OrgState,
  id: string,
  verb: string,
  options: ChangeOptions,
): OktaDevice => {
  const step = DEVICE_LIFECYCLE[verb];
  if (!step) throw new RangeError(`${verb} is no step of the life cycle`);
  const row = requireRow(state.store.devices, id);
  const device = { ...row.data, status: step.status, lastUpdated: state.clock.iso() };
  state.store.devices.replace(row, device, versionAt(state));
  record(state, options, { eventType: step.eventType, targets: [deviceTarget(device)] });
  return device;
};

export const deleteDevice = (state: OrgState, id: string, options: ChangeOptions): void => {
  const row = requireRow(state.store.devices, id);
  const at = versionAt(state);
  state.store.pastDeviceLinks.keep(id, state.store.deviceLinks.get(id) ?? [], at);
  state.store.deviceLinks.delete(id);
  state.store.devices.remove(row, at);
  record(state, options, { eventType: "device.lifecycle.delete", targets: [deviceTarget(row.data)] });
};

/** Links a user, or changes an existing link. Only the log shows it; the device's lastUpdated does not change. */
export const linkUser = (
  state: OrgState,
  deviceId: string,
  given: Omit<DeviceLink, "created"> & { created?: string | undefined },
  options: ChangeOptions,
): DeviceLink => {
  const device = requireRow(state.store.devices, deviceId).data;
  const user = requireRow(state.store.users, given.userId).data;
  const link: DeviceLink = { ...given, created: given.created ?? state.clock.iso() };
  const others = (state.store.deviceLinks.get(deviceId) ?? []).filter(
    (other) => other.userId !== given.userId,
  );
  state.store.setDeviceLinks(deviceId, [...others, link], versionAt(state));
  record(state, options, { eventType: "device.user.add", targets: [deviceTarget(device), userTarget(user)] });
  return link;
};

export const unlinkUser = (
  state: OrgState,
  deviceId: string,
  userId: string,
  options: ChangeOptions,
): void => {
  const device = requireRow(state.store.devices, deviceId).data;
  const user = requireRow(state.store.users, userId).data;
  const links = state.store.deviceLinks.get(deviceId) ?? [];
  if (!links.some((link) => link.userId === userId)) return;
  state.store.setDeviceLinks(
    deviceId,
    links.filter((link) => link.userId !== userId),
    versionAt(state),
  );
  record(state, options, {
    eventType: "device.user.remove",
    targets: [deviceTarget(device), userTarget(user)],
  });
};
