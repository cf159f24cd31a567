/** Python packages from PyPI, pinned by hash, in folders of `.trimtab`. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "./packages.mjs";
import { canInstallPackages, run } from "./shell.mjs";

/**
 * Fetches what a requirements file lists into a folder, which is made anew. In this order: a virtual environment; the machine's own
 * pip; python3-venv from Debian, then again.
 * @returns {boolean} whether all of it is there
 */
export function fetchWheels(folder, requirements) {
  if (byVenv(folder, requirements) || byPip(folder, requirements)) return true;
  if (!canInstallPackages()) return false;
  return aptInstall(["python3-venv"]) && byVenv(folder, requirements);
}

/** Whether nothing on this machine could have fetched them. */
export function hasNoPip() {
  const canVenv = run("python3", ["-c", "import ensurepip"], { quiet: true });
  const canPip = run("python3", ["-m", "pip", "--version"], { quiet: true });
  return !canVenv && !canPip;
}

/** The folders in which the packages may lie, depending on how they came. */
export function packageFolders(folder) {
  const lib = join(folder, "lib");
  if (!existsSync(lib)) return [];
  return [lib, ...readdirSync(lib).map((python) => join(lib, python, "site-packages"))];
}

function byVenv(folder, requirements) {
  rmSync(folder, { recursive: true, force: true });
  const python = join(folder, "bin/python3");
  return (
    run("python3", ["-m", "venv", folder], { quiet: true }) &&
    run(python, ["-m", "pip", ...pipInstall(requirements)], { quiet: true })
  );
}

function byPip(folder, requirements) {
  rmSync(folder, { recursive: true, force: true });
  const target = ["--target", join(folder, "lib")];
  return run("python3", ["-m", "pip", ...pipInstall(requirements), ...target], { quiet: true });
}

function pipInstall(requirements) {
  const options = ["--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  return ["install", ...options, "-r", requirements];
}
