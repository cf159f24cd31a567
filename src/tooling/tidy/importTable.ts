/** The import table of docs/architecture.md, as data and as one function. */

/**
 * What the files of a folder may import, as prefixes of paths below `src/`; its own folder always. `util` and `errors` are
 * open to all but themselves. The longest matching key counts.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  util: [],
  errors: [],
  gen: [],
  log: [],
  regex: [],
  // Where documents hold secrets.
  secrets: ["gen/secrets.ts", "gen/kinds.ts"],
  // The words that IR and targets share with the schemas.
  ir: ["gen/leafPaths.ts", "gen/kinds.ts"],
  // What every proxy refuses is data of the IR; the paths of a model are judged by it.
  model: [
    "regex/",
    "ir/requestPolicy.ts",
    // What stands in the place of secrets.
    "secrets/reference.ts",
    "gen/model.ts",
    "gen/kinds.ts",
    "gen/references.ts",
    "gen/defaults.ts",
    "gen/validators.ts",
  ],
  store: ["model/", "secrets/"],
  compiler: ["regex/", "model/", "ir/", "gen/defaults.ts"],
  targets: ["regex/", "ir/"],
  "targets/registry.ts": ["ir/", "targets/"],
  "targets/gate.ts": ["ir/", "targets/"],
  // Of what lies beside the target folders only the contract and shared tools; never the two that know every target.
  "targets/*/": ["regex/", "ir/", "gen/proto/", "targets/*.ts"],
  xds: ["gen/proto/"],
  pipeline: ["compiler/", "targets/", "model/", "ir/"],
  publish: ["store/", "pipeline/", "compiler/", "targets/", "xds/", "model/", "ir/"],
  agent: ["ir/", "regex/", "secrets/", "targets/target.ts"],
  canary: ["store/", "model/", "publish/"],
  // The schemas themselves are what OpenAPI tells, with an example.
  api: ["regex/", "secrets/", "store/", "model/", "publish/", "canary/", "gen/schemas.ts", "gen/example.ts"],
  // Only the words of its options.
  cli: ["log/words.ts", "secrets/", "store/", "model/", "compiler/", "pipeline/", "targets/", "agent/", "ir/"],
  remote: ["agent/", "ir/"],
  certificateFiles: [],
  dev: ["ir/", "secrets/", "model/", "compiler/", "targets/", "agent/", "cli/", "gen/defaults.ts"],
};

const OPEN_TO_ALL = ["util/", "errors/"];
/** Runs long work by the clock: only rooms at the edge decide when work rests. */
const SLICES = "util/slices.ts";
const SLICING_ROOMS = ["store", "publish", "api"];

/** Modules of the outside that make a room impure: it must depend on its input alone. */
const PURE_ROOMS = ["regex/", "ir/", "model/", "compiler/"];
/** Hashes, and `isIP`: functions of their arguments. */
const PURE_BUILTINS = new Set(["node:crypto", "node:net"]);

/** Who may use the packages that talk to the outside. */
const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  fastify: ["api/", "controlPlane.ts"],
  "@fastify/": ["api/", "controlPlane.ts"],
  "@grpc/grpc-js": ["xds/"],
  "@bufbuild/protobuf": ["xds/", "targets/envoy/"],
  "node:sqlite": ["store/"],
  handlebars: ["util/"],
  commander: ["cli/"],
  pino: ["log/"],
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
  if (isTop(file)) return isTool(target) ? "tools are not part of the program" : undefined;
  if (isTop(target)) return "main.ts and what stands beside it is where everything begins";
  if (isTestCode(target) && !isTestCode(file)) return "the program must not need test code";
  if (roomOf(file) === roomOf(target) || allowsTest(file, target)) return undefined;
  if (target === SLICES && !isTestCode(file) && !SLICING_ROOMS.includes(roomOf(file)))
    return "this room knows no clock";
  return isAllowed(file, target) ? undefined : `${roomOf(file)} must not see ${roomOf(target)}`;
}

/** Tests, the suite, and what its name says is theirs: `testIr.ts`, `testing/`, `apiHarness.ts`, `killChild.ts` (a process of a test). */
const TEST_CODE =
  /\.test\.ts$|(^|\/)test(ing)?[A-Z]?\w*\.ts$|\/test(ing|Support)\/|\w(Harness|Child)\.ts$|(^|\/)(testdata|suite)\//;

/** Whether a file is there for tests only. */
export function isTestCode(path: string): boolean {
  return TEST_CODE.test(path);
}

/** `src/main.ts` and files beside it construct everything. */
function isTop(file: string): boolean {
  return !file.includes("/");
}

/** e2e uses the program from outside only; bench may look inside. */
function forbiddenOutside(from: string, to: string): string | undefined {
  return from.startsWith("e2e/") && to.startsWith("src/")
    ? "it must use the built program and schemas/ only"
    : undefined;
}

function isTool(file: string): boolean {
  return /^(tooling|suite|testdata)\//.test(file);
}

/** A test may make its room's input with the rooms before it in the way of data, and use any room's test helpers. */
const WAY_OF_DATA = [
  "gen",
  "log",
  "regex",
  "secrets",
  "model",
  "store",
  "compiler",
  "ir",
  "targets",
  "pipeline",
  "publish",
  "xds",
  "agent",
  "canary",
  "api",
  "cli",
  "remote",
  "dev",
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
