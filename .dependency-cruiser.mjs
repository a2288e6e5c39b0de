/**
 * The import rules, checked by `npm run check`. Imports point one way; type imports count. CONTRIBUTING.md says what
 * each room is for.
 */

/** The rooms of `src/` by step, the ground first. A room may import from every step below its own. */
const steps = [
  ["lib"],
  ["contract"],
  ["config"],
  ["okta"],
  ["inventory"],
  ["ocsf"],
  ["streams"],
  ["explore", "enrichment", "delivery", "sync"],
  ["connection-test"],
  ["http", "console"],
];

/** Rooms of one step that know each other, from → to: one way only. Any other pair is strangers. */
const neighbours = {
  sync: ["explore", "enrichment", "delivery"],
  console: ["http"],
};

const folder = (rooms) => `^src/(${rooms.join("|")})/`;

const wallsOf = (room, step) => {
  const strangers = steps[step].filter(
    (other) => other !== room && !(neighbours[room] ?? []).includes(other),
  );
  const closed = [...strangers, ...steps.slice(step + 1).flat()];
  return closed.length === 0
    ? []
    : [
        {
          name: `${room}-imports-down`,
          comment: `${room}/ imports from lower steps only, and not from the entry.`,
          severity: "error",
          from: { path: folder([room]) },
          to: { path: folder(closed) },
        },
      ];
};

export default {
  forbidden: [
    ...steps.flatMap((rooms, step) => rooms.flatMap((room) => wallsOf(room, step))),
    {
      name: "entry-is-last",
      comment: "src/index.ts wires the Worker; nothing imports it.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/index\\.ts$" },
    },
    {
      name: "rooms-are-listed",
      comment: "Every file of src/ stands in a room that has a step here.",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: ["^src/index\\.ts$", folder(steps.flat())] },
    },
    {
      name: "no-circle",
      comment: "No two files lead to each other.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphan",
      comment: "Every file is reached from the Worker's entry.",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      to: { path: "^src/", reachable: false },
    },
    {
      name: "resolvable",
      comment: "Every import leads somewhere.",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true, pathNot: "^cloudflare:" },
    },
    {
      name: "product-alone",
      comment: "The Worker imports nothing of the tests or the developers' tools.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|dev)/" },
    },
  ],
  options: {
    // Reads TypeScript as it is, so that type imports count; test/imports.node.test.ts holds it to that.
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["workerd", "import", "types"],
      extensions: [".ts", ".tsx", ".js", ".d.ts"],
    },
  },
};
