/** The import table of docs/architecture.md, as data and as one function. */

/**
 * What the files of a folder may import, as prefixes of paths below `src/`; its own folder always. `util` and `errors` are
 * open to all but themselves. The longest matching key counts.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  util: [],
  errors: [],
  gen: [],
  // `gen` values are the leaf paths: the vocabulary that IR and targets share with the schemas.
  ir: ["gen/leafPaths.ts"],
  model: ["gen/model.ts", "gen/schemas.ts", "gen/leafPaths.ts"],
  store: ["model/"],
  compiler: ["model/", "ir/"],
  targets: ["ir/"],
  "targets/registry.ts": ["ir/", "targets/"],
  "targets/gate.ts": ["ir/", "targets/"],
  // Of what lies beside the target folders only the contract and shared tools; never the two that know every target.
  "targets/*/": ["ir/", "gen/proto/", "targets/*.ts"],
  xds: ["gen/proto/"],
  publish: ["store/", "compiler/", "targets/", "xds/", "model/", "ir/"],
  agent: ["ir/", "targets/target.ts"],
  canary: ["store/", "model/", "publish/"],
  api: ["store/", "model/", "publish/", "canary/"],
  cli: ["model/", "compiler/", "targets/", "agent/", "ir/"],
};

const OPEN_TO_ALL = ["util/", "errors/"];

/** Modules of the outside that make a room impure: it must depend on its input alone. */
const PURE_ROOMS = ["ir/", "model/", "compiler/"];
/** Hashes, and `isIP`: functions of their arguments. */
const PURE_BUILTINS = new Set(["node:crypto", "node:net"]);

/** Who may use the packages that talk to the outside. */
const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  fastify: ["api/", "main.ts"],
  "@fastify/": ["api/", "main.ts"],
  "@grpc/grpc-js": ["xds/", "main.ts"],
  "@bufbuild/protobuf": ["xds/", "targets/envoy/"],
  "node:sqlite": ["store/"],
  handlebars: ["util/"],
  commander: ["cli/", "main.ts"],
};

/**
 * Why a file must not import something, or undefined when it may.
 * @param from path of the importing file, from the root
 * @param to what it imports: a path from the root, a package or a `node:` module
 */
export function forbiddenImport(from: string, to: string): string | undefined {
  if (!from.startsWith("src/")) return forbiddenOutside(from, to);
  const file = from.slice("src/".length);
  if (isTool(file)) return undefined;
  if (!to.startsWith("src/")) return isTestCode(file) ? undefined : forbiddenPackage(file, to);
  const target = to.slice("src/".length);
  if (file === "main.ts") return isTool(target) ? "tools are not part of the program" : undefined;
  if (target === "main.ts") return "main.ts is where everything begins";
  if (isTestCode(target) && !isTestCode(file)) return "the program must not need test code";
  if (roomOf(file) === roomOf(target) || allowsTest(file, target)) return undefined;
  return isAllowed(file, target) ? undefined : `${roomOf(file)} must not see ${roomOf(target)}`;
}

/** Whether a file is there for tests only: a test, or the helpers that its name says it is. */
export function isTestCode(path: string): boolean {
  return /\.test\.ts$|\/testSupport[^/]*\.ts$|\/testSupport\/|(^|\/)testdata\/|\.testkit\.ts$/.test(path);
}

/** e2e and bench use the program from outside only. */
function forbiddenOutside(from: string, to: string): string | undefined {
  if (!from.startsWith("e2e/") && !from.startsWith("bench/")) return undefined;
  return to.startsWith("src/") ? "it must use the built program and schemas/ only" : undefined;
}

function isTool(file: string): boolean {
  return file.startsWith("dev/") || file.startsWith("testdata/");
}

/** A test may make its room's input with the rooms before it in the way of data, and use any room's test helpers. */
const WAY_OF_DATA = [
  "gen",
  "model",
  "store",
  "compiler",
  "ir",
  "targets",
  "publish",
  "xds",
  "agent",
  "canary",
  "api",
  "cli",
];

function allowsTest(file: string, target: string): boolean {
  if (!isTestCode(file)) return false;
  const place = (path: string): number => WAY_OF_DATA.indexOf(path.split("/")[0] as string);
  return isTestCode(target) || isTool(target) || place(target) < place(file);
}

function isAllowed(file: string, target: string): boolean {
  const patterns = [...ruleFor(file), ...(/^(util|errors)\//.test(file) ? [] : OPEN_TO_ALL)];
  return patterns.some((pattern) => matches(pattern, target));
}

function ruleFor(file: string): readonly string[] {
  const [room = "", second = ""] = file.split("/");
  if (room === "targets" && file.split("/").length > 2) return ALLOWED["targets/*/"] ?? [];
  return ALLOWED[`${room}/${second}`] ?? ALLOWED[room] ?? [];
}

/** `dir/` is all below; `dir/*.ts` the files in it except those that know every target; else the exact path. */
function matches(pattern: string, target: string): boolean {
  if (pattern.endsWith("/*.ts")) {
    const rest = target.slice(pattern.length - "*.ts".length);
    const below = target.startsWith(pattern.slice(0, -"*.ts".length));
    return below && !rest.includes("/") && !/^(registry|gate)\.ts$/.test(rest);
  }
  return pattern.endsWith("/") ? target.startsWith(pattern) : target === pattern;
}

/** The unit that the table speaks of: a folder, or one target's folder. */
export function roomOf(file: string): string {
  const [room = "", second = ""] = file.split("/");
  return room === "targets" && file.split("/").length > 2 ? `targets/${second}` : room;
}

function forbiddenPackage(file: string, name: string): string | undefined {
  const pure = PURE_ROOMS.some((room) => file.startsWith(room));
  if (pure && name.startsWith("node:") && !PURE_BUILTINS.has(name))
    return "this room is pure: no file, network or clock";
  for (const [prefix, owners] of Object.entries(PACKAGE_OWNERS)) {
    if (name !== prefix && !name.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`)) continue;
    if (!owners.some((owner) => file.startsWith(owner))) return `only ${owners.join(", ")} may use it`;
  }
  return undefined;
}
