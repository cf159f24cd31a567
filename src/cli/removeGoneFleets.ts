/** Removes what `render` wrote for fleets that are no longer in the model. */
import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MANIFEST, type Manifest, readManifest } from "./manifest.ts";
import { isChanged } from "./obstacles.ts";
import { removeInside, UNFINISHED } from "./writeTree.ts";

/** A fleet whose files are gone. */
export interface RemovedFleet {
  readonly fleet: string;
  readonly folder: string;
  /** Paths inside the folder, ascending. */
  readonly files: readonly string[];
  /** False: something lies there that is not ours. */
  readonly folderRemoved: boolean;
}

/** What is gone, and how to remove it. */
export interface GoneOptions {
  /** Fleets of the model, and what each is written for. */
  readonly known: ReadonlyMap<string, string>;
  readonly target: string | undefined;
  readonly force: boolean;
}

/**
 * Looks at the folders right below `out`. One is a gone fleet's when its manifest says that it was written for a fleet of the
 * folder's own name and proxy, and `known` does not have that fleet; with `target`, when it was written for that proxy. Only what the
 * manifest lists is removed, of that what was changed since only with `force`, then folders that are left empty. Links are not
 * followed.
 */
export async function removeGoneFleets(
  out: string,
  { known, target, force }: GoneOptions,
): Promise<readonly RemovedFleet[]> {
  const removed: RemovedFleet[] = [];
  const entries = await readdir(out, { withFileTypes: true });
  for (const name of entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)) {
    const folder = join(out, name);
    const manifest = await ownManifest(folder);
    if (manifest === null || manifest.fleet !== name || (target ?? manifest.proxy) !== manifest.proxy) continue;
    // One that is of another proxy now, and was not written anew, is not the fleet's.
    if ((manifest.proxy ?? known.get(name)) === known.get(name) && known.has(name)) continue;
    removed.push({ fleet: name, folder, ...(await removeListed(folder, manifest, force)) });
  }
  return removed.sort((a, b) => (a.fleet < b.fleet ? -1 : 1));
}

/** Null when there is none, or none of ours: what lies there is then nobody's business. */
function ownManifest(folder: string): Promise<Manifest | null> {
  return readManifest(folder).catch(() => null);
}

/** The manifest goes last: a run that is cut off leaves something that the next one knows. */
async function removeListed(
  folder: string,
  manifest: Manifest,
  force: boolean,
): Promise<Pick<RemovedFleet, "files" | "folderRemoved">> {
  const files: string[] = [];
  for (const path of Object.keys(manifest.files).sort()) {
    if (!force && (await isChanged(folder, path, manifest))) continue;
    if (await removeInside(folder, path)) files.push(path);
    await removeInside(folder, `${path}${UNFINISHED}`);
  }
  await rm(join(folder, MANIFEST));
  await rm(join(folder, `${MANIFEST}${UNFINISHED}`), { force: true });
  const below = new Set(files.flatMap(foldersOf));
  for (const path of [...below].sort((a, b) => b.length - a.length)) await removeEmpty(join(folder, path));
  return { files, folderRemoved: await removeEmpty(folder) };
}

/** `maps/a/b` -> `maps`, `maps/a`. */
function foldersOf(path: string): string[] {
  const parent = dirname(path);
  return parent === "." ? [] : [...foldersOf(parent), parent];
}

async function removeEmpty(folder: string): Promise<boolean> {
  try {
    if (!(await lstat(folder)).isDirectory()) return false;
    await rmdir(folder);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
