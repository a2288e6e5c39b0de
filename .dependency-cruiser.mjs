/**
 * The import rules that `npm run check` enforces: imports point one way, and type imports count. CONTRIBUTING.md
 * describes each room.
 */

/** The rooms of `src/`, lowest step first. A room may import from any step below its own. */
const steps = [
  ["lib"],
  ["contract"],
  ["config"],
  ["okta"],
  ["inventory"],
  ["ocsf"],
  ["streams"],
  ["explore", "enrichment", "delivery", "sync"],
  ["connection-test", "registry", "alerts"],
  ["http", "console", "mcp"],
];

/** The only imports that are allowed between rooms of the same step, from → to. */
const neighbours = {
  sync: ["explore", "enrichment", "delivery"],
  console: ["http"],
  mcp: ["http"],
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
          comment: `${room}/ imports only from lower steps and from its own neighbours.`,
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
      comment: "Every file in src/ belongs to a room that is listed in `steps`.",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: ["^src/index\\.ts$", folder(steps.flat())] },
    },
    {
      name: "no-circle",
      comment: "There are no import cycles.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphan",
      comment: "Every file can be reached from the Worker's entry.",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      to: { path: "^src/", reachable: false },
    },
    {
      name: "resolvable",
      comment: "Every import resolves.",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true, pathNot: "^cloudflare:" },
    },
    {
      name: "product-alone",
      comment: "The Worker imports nothing from the tests or the developers' tools.",
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
