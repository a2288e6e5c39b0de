import type { Random } from "../org/random.ts";
import type { DeviceLink, DeviceStatus, OktaDevice, Profile } from "../org/types.ts";

const DAY = 86_400_000;

interface Make {
  platform: string;
  manufacturer: string;
  models: readonly [string, ...string[]];
  versions: readonly [string, ...string[]];
  mobile: boolean;
  weight: number;
}

const MAKES: readonly Make[] = [
  {
    platform: "WINDOWS",
    manufacturer: "Dell Inc.",
    models: ["Latitude 5540", "XPS 13"],
    versions: ["10.0.22621.2134", "10.0.26100.1"],
    mobile: false,
    weight: 36,
  },
  {
    platform: "MACOS",
    manufacturer: "Apple",
    models: ["MacBookPro18,1", "Mac15,3"],
    versions: ["14.5.0", "15.1"],
    mobile: false,
    weight: 30,
  },
  {
    platform: "IOS",
    manufacturer: "Apple",
    models: ["iPhone15,2", "iPad13,4"],
    versions: ["17.5.1", "18.0"],
    mobile: true,
    weight: 14,
  },
  {
    platform: "ANDROID",
    manufacturer: "Samsung",
    models: ["SM-S911B", "Pixel 8"],
    versions: ["14", "33"],
    mobile: true,
    weight: 13,
  },
  {
    platform: "CHROMEOS",
    manufacturer: "Google",
    models: ["Chromebook"],
    versions: ["125.0"],
    mobile: false,
    weight: 3,
  },
  {
    platform: "LINUX",
    manufacturer: "Lenovo",
    models: ["ThinkPad X1"],
    versions: ["6.8.0"],
    mobile: false,
    weight: 2,
  },
  {
    platform: "VISIONOS",
    manufacturer: "Apple",
    models: ["Vision Pro"],
    versions: ["2.0"],
    mobile: true,
    weight: 0.5,
  },
];

const STATUSES: readonly (readonly [DeviceStatus, number])[] = [
  ["ACTIVE", 88],
  ["SUSPENDED", 4],
  ["DEACTIVATED", 4],
  ["UNSUSPENDED", 2],
  ["CREATED", 2],
];

const hardware = (random: Random, make: Make, index: number): Profile => {
  const serialNumber = `SN${String(index).padStart(6, "0")}${random.int(1000)}`;
  const profile: Profile = {
    manufacturer: make.manufacturer,
    model: random.pick(make.models),
    osVersion: random.pick(make.versions),
    serialNumber: random.chance(0.05) ? null : serialNumber,
    secureHardwarePresent: random.chance(0.9),
  };
  if (make.mobile) {
    profile["imei"] = random.chance(0.5) ? `35693803564${String(1000 + random.int(8999))}` : null;
    profile["meid"] = null;
    profile["integrityJailbreak"] = random.chance(0.02);
  }
  if (make.platform === "WINDOWS") {
    profile["sid"] = `S-1-5-21-${random.int(1e9)}-1001`;
    profile["tpmPublicKeyHash"] = random.id("");
  }
  if (make.manufacturer === "Apple") profile["udid"] = random.uuid().toUpperCase();
  if (random.chance(0.7)) profile["managed"] = random.chance(0.75);
  if (random.chance(0.8)) {
    profile["diskEncryptionType"] = random.pick([
      "ALL_INTERNAL_VOLUMES",
      "FULL",
      "USER",
      "NONE",
      "SYSTEM_VOLUME",
    ]);
  }
  return profile;
};

/** One device. A twentieth carry nothing but what Okta requires. */
export const generateDevice = (random: Random, index: number, epoch: number): OktaDevice => {
  const make = random.weighted(MAKES.map((candidate) => [candidate, candidate.weight] as const));
  const created = epoch - DAY - random.int(900 * DAY);
  const bare = random.chance(0.05);
  return {
    id: random.id("guo"),
    status: random.weighted(STATUSES),
    created: new Date(created).toISOString(),
    lastUpdated: new Date(created + random.int(epoch - created)).toISOString(),
    profile: {
      displayName: `${make.platform}-${String(index).padStart(5, "0")}`,
      platform: make.platform,
      registered: random.chance(0.95),
      ...(bare ? {} : hardware(random, make, index)),
    },
  };
};

/** The people who use a device: nobody, one, or a few. */
export const generateLinks = (
  random: Random,
  device: OktaDevice,
  userIds: readonly string[],
): DeviceLink[] => {
  const count = random.weighted([
    [0, 10],
    [1, 80],
    [2, 7],
    [4, 3],
  ] as const);
  const chosen = new Set<string>();
  for (let i = 0; i < count && userIds.length > 0; i++) chosen.add(userIds[random.int(userIds.length)] ?? "");
  const since = Date.parse(device.created);
  return [...chosen].map((userId) => ({
    created: new Date(since + random.int(Math.max(1, Date.parse(device.lastUpdated) - since))).toISOString(),
    managementStatus: random.weighted([
      ["MANAGED", 50],
      ["NOT_MANAGED", 45],
      [null, 5],
    ] as const),
    screenLockType: random.weighted([
      ["BIOMETRIC", 60],
      ["PASSCODE", 25],
      ["NONE", 10],
      [null, 5],
    ] as const),
    userId,
  }));
};
