/**
 * What a first full run costs in calls: predicted, made, what the design allows, and what other ways of
 * keeping the same inventory would have cost on the same org. `node dev/bench/calls.ts [1k] [10k] [50k]`
 */
import { cartographyCalls, devicesFormula, sekoiaCalls, usersFormula } from "../../test/support/formula.ts";
import { chosen, measure, megabytes } from "./full-run.ts";

for (const [name, size] of chosen()) {
  const { users, devices, dump, memory, seconds } = await measure(size);
  const allowed = { users: usersFormula(dump), devices: devicesFormula(dump) };
  console.log(`${name}: ${size.users} users, ${size.groups} groups, ${size.devices} devices`);
  console.table({
    predicted: { users: users.calls.predicted, devices: devices.calls.predicted },
    made: { users: users.calls.made, devices: devices.calls.made },
    "allowed by the design": allowed,
  });
  const made = users.calls.made + devices.calls.made;
  const times = (calls: number): string => `${calls} (${(calls / made).toFixed(1)} times as many)`;
  console.log(
    `Sekoia.io's way ${times(sekoiaCalls(dump))}, Cartography's way ${times(cartographyCalls(dump))}`,
  );
  console.log(
    `${seconds.toFixed(0)} s; workerd's peak memory ${megabytes(memory.peak)}, idle ${megabytes(memory.idle)}`,
  );
  if (users.calls.made > allowed.users || devices.calls.made > allowed.devices) process.exitCode = 1;
}
