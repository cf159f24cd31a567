/**
 * Step 6, for tests: nginx and HAProxy of Debian trixie with the libraries that they need, unpacked in `.trimtab/newer` and not
 * installed: this machine keeps the proxies that it has. apt fetches them into folders of its own there and verifies what it fetches.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, isExecutable, run, timed, toolFolder } from "./shell.mjs";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Fixes come by the second. */
const SUITES = ["", "-security"];

/** No program of them is run but the two. */
const PACKAGES = [
  ...["nginx", "libnginx-mod-stream", "haproxy"],
  ...[
    "libc6",
    "libcrypt1",
    "libgcc-s1",
    "libjemalloc2",
    "liblua5.4-0",
    "libopentracing-c-wrapper0t64",
    "libopentracing1",
  ],
  ...["libpcre2-8-0", "libssl3t64", "libstdc++6", "libzstd1", "zlib1g"],
];

const folder = join(toolFolder, "newer");
const tree = join(folder, "root");
const bin = join(folder, "bin");
/** Holds what `folder` was made of. */
const stamp = join(folder, ".packages");
const WANTED = ["trixie", ...PACKAGES].join("\n");
const PROGRAMS = [
  { name: "nginx", file: "usr/sbin/nginx", version: ["-v"] },
  { name: "haproxy", file: "usr/sbin/haproxy", version: ["-v"] },
];

/**
 * Fetches the two unless they are there.
 * @returns {Promise<string[]>} empty, or one line that says why they are not
 */
export async function installNewerProxies() {
  const isThere = PROGRAMS.every(({ name }) => isExecutable(join(bin, name)));
  if (isThere && existsSync(stamp) && readFileSync(stamp, "utf8") === WANTED) return [];
  const lacking = ["apt-get", "dpkg-deb"].filter((name) => findProgram(name) === undefined);
  if (lacking.length > 0)
    return [`nginx and HAProxy of Debian trixie are missing: ${lacking.join(" and ")} fetches them`];
  if (!existsSync(KEYRING))
    return ["nginx and HAProxy of Debian trixie are missing: run  sudo apt-get install debian-archive-keyring"];
  const sources = sourcesLikeThisMachines();
  if (sources.length < SUITES.length)
    return ["nginx and HAProxy of Debian trixie are missing: apt's sources here are not of Debian with its fixes"];
  if (!(await timed("fetch nginx and HAProxy of Debian trixie", () => fetchPackages(sources))))
    return ["nginx and HAProxy of Debian trixie are missing: apt-get could not fetch them (see .trimtab/setup.log)"];
  const broken = PROGRAMS.filter(({ name, version }) => !run(join(bin, name), version));
  if (broken.length > 0)
    return broken.map(({ name }) => `${name} of Debian trixie does not run (see .trimtab/setup.log)`);
  writeFileSync(stamp, WANTED);
  return [];
}

/** From where this machine has its own release, its newer one comes too. */
function sourcesLikeThisMachines() {
  const own = /^VERSION_CODENAME="?([\w-]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  const format = ["indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages", "Component: main"];
  const targets = spawnSync("apt-get", format, { encoding: "utf8" }).stdout?.split("\n") ?? [];
  return SUITES.flatMap((suite) => {
    const found = targets.map((line) => line.split(" ")).find(([release]) => release === `${own}${suite}`);
    return found === undefined ? [] : [`deb [signed-by=${KEYRING}] ${found[1]} trixie${suite} main`];
  });
}

function fetchPackages(sources) {
  rmSync(folder, { recursive: true, force: true });
  const apt = join(folder, "apt");
  const packages = join(apt, "packages");
  for (const name of ["state/lists/partial", "cache/archives/partial", "packages"])
    mkdirSync(join(apt, name), { recursive: true });
  writeFileSync(join(apt, "sources.list"), `${sources.join("\n")}\n`);
  writeFileSync(join(apt, "status"), "");
  const options = [
    `Dir::State=${join(apt, "state")}`,
    // Nothing is installed: no package of this machine has a say in which version is fetched.
    `Dir::State::status=${join(apt, "status")}`,
    `Dir::Cache=${join(apt, "cache")}`,
    `Dir::Etc::sourcelist=${join(apt, "sources.list")}`,
    "Dir::Etc::sourceparts=-",
    "Dir::Etc::preferences=-",
    "Dir::Etc::preferencesparts=-",
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    // Root's apt would read as another user, who may not look into this folder.
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  const fetched =
    run("apt-get", [...options, "-q", "update", "--error-on=any"]) &&
    run("apt-get", [...options, "-q", "download", ...PACKAGES], { cwd: packages }) &&
    readdirSync(packages).every((file) => run("dpkg-deb", ["-x", join(packages, file), tree]));
  rmSync(apt, { recursive: true, force: true });
  if (fetched) writeStarters();
  return fetched;
}

/**
 * The programs need a newer C library than this machine may have, so its loader starts them. `exec`: the process is the proxy.
 * `--argv0`: HAProxy starts itself anew at a reload, by this name.
 */
function writeStarters() {
  const [libraries = ""] = readdirSync(join(tree, "usr/lib")).filter((name) => name.includes("-linux-gnu"));
  const path = join(tree, "usr/lib", libraries);
  const loader = readdirSync(path).find((name) => /^ld-linux.*\.so\.\d+$/.test(name)) ?? "";
  mkdirSync(bin, { recursive: true });
  for (const { name, file } of PROGRAMS) {
    const words = [join(path, loader), "--library-path", path].map(quoted).join(" ");
    const program = `${words} --argv0 "$0" ${quoted(join(tree, file))} "$@"`;
    const text = `#!/bin/sh\n${name === "nginx" ? tellingModules(program) : ""}exec ${program}\n`;
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
}

/** `-V` says where the modules are: here they lie below the tree. */
function tellingModules(program) {
  const there = quoted(`s#--modules-path=#&${tree}#`);
  return `if [ "$1" = -V ]; then ${program} 2>&1 | sed ${there} >&2; exit; fi\n`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
