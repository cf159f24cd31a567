/** The package that `npm pack` makes of the build, and a folder where it is installed. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryRoot } from "./program.ts";

export interface Packed {
  /** The tarball. */
  readonly file: string;
  /** Its files, relative. */
  readonly files: readonly string[];
}

/** Packs what stands in `dist/`: made by `npm run build`, so nothing is built here. */
export function pack(folder: string): Packed {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const printed = execFileSync("npm", args, {
    cwd: repositoryRoot,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename, files }] = Object.values(JSON.parse(printed)) as [{ filename: string; files: { path: string }[] }];
  return { file: join(folder, filename), files: files.map(({ path }) => path).sort() };
}

/** As `npm install FILE` in an empty folder: the package and what it depends on, here as links, and nothing else. */
export function install(folder: string, packed: Packed): void {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "trimtab"), { recursive: true });
  execFileSync("tar", ["-xzf", packed.file, "--strip-components=1", "-C", join(modules, "trimtab")]);
  const lock = JSON.parse(readFileSync(join(repositoryRoot, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev = false, optional = false }] of Object.entries(lock.packages)) {
    // Nested ones come with the folder that they are in.
    if (dev || optional || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)) continue;
    const link = join(folder, path);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repositoryRoot, path), link);
  }
  mkdirSync(join(modules, ".bin"));
  symlinkSync("../trimtab/dist/main.js", join(modules, ".bin/trimtab"));
}
