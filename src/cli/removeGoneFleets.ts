/** Removes what `render` wrote for fleets that are no longer in the model. */
import { constants } from "node:fs";
import { lstat, open, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isManifest, MANIFEST, type Manifest, removeInside, UNFINISHED } from "./writeTree.ts";

/** A fleet whose files are gone. */
export interface RemovedFleet {
  readonly fleet: string;
  readonly folder: string;
  /** Paths inside the folder, ascending. */
  readonly files: readonly string[];
  /** False: something lies there that is not ours. */
  readonly folderRemoved: boolean;
}

/**
 * Looks at the folders right below `out`. One is a gone fleet's when its manifest says that it was written for a fleet of the
 * folder's own name, and `known` does not have that fleet; with `target`, when it was written for that proxy. Only what the
 * manifest lists is removed, then folders that are left empty. Links are not followed.
 */
export async function removeGoneFleets(
  out: string,
  { known, target }: { readonly known: ReadonlySet<string>; readonly target: string | undefined },
): Promise<readonly RemovedFleet[]> {
  const removed: RemovedFleet[] = [];
  const entries = await readdir(out, { withFileTypes: true });
  for (const name of entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)) {
    if (known.has(name)) continue;
    const folder = join(out, name);
    const manifest = await ownManifest(folder);
    if (manifest === null || manifest.fleet !== name || (target ?? manifest.proxy) !== manifest.proxy) continue;
    removed.push({ fleet: name, folder, ...(await removeListed(folder, manifest)) });
  }
  return removed.sort((a, b) => (a.fleet < b.fleet ? -1 : 1));
}

/** Null when there is none, or none of ours. */
async function ownManifest(folder: string): Promise<Manifest | null> {
  try {
    const file = await open(join(folder, MANIFEST), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const manifest: unknown = JSON.parse(await file.readFile("utf8"));
      return isManifest(manifest) ? manifest : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SyntaxError || ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

/** ELOOP: it is a link; EISDIR: a folder. */
const ABSENT = new Set(["ENOENT", "ELOOP", "EISDIR"]);

/** The manifest goes last: a run that is cut off leaves something that the next one knows. */
async function removeListed(
  folder: string,
  manifest: Manifest,
): Promise<Pick<RemovedFleet, "files" | "folderRemoved">> {
  const files: string[] = [];
  for (const path of Object.keys(manifest.files).sort()) {
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
