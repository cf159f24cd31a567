/** What stands in the way of a rendering: found before anything is written. */
import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { access, constants, lstat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { knowsContent, type Manifest, readManifest } from "./manifest.ts";
import { sha256, type Tree, UNFINISHED } from "./writeTree.ts";

/** One thing in the way. */
export interface Obstacle {
  readonly path: string;
  readonly reason: string;
  /** Whether `--force` replaces it: a file can be, but never what leads out of the folder or holds other files. */
  readonly canForce: boolean;
}

/**
 * Everything in the way of writing the tree to the folder: files that no rendering wrote or that were changed since, links,
 * folders and other things where files are to go, and the same on the way there. A file that already has the content is in
 * nobody's way.
 */
export async function obstaclesOf(folder: string, tree: Tree): Promise<readonly Obstacle[]> {
  const onTheWay = await wayObstacle(folder);
  if (onTheWay !== null) return [onTheWay];
  if ((await statOf(folder)) === null && !(await isWritable(dirname(folder)))) return [notWritable(dirname(folder))];
  const manifest = await readManifest(folder);
  const found: Obstacle[] = [];
  const seen = new Set<string>();
  for (const { path, text } of tree.files) {
    const blocked = await parentObstacle(folder, path, seen);
    if (blocked === "told") continue;
    const obstacle = blocked ?? (await fileObstacle(folder, { path, text, manifest }));
    if (obstacle !== null) found.push(obstacle);
  }
  const rendered = new Set(tree.files.map(({ path }) => path));
  for (const path of Object.keys(manifest?.files ?? {})) {
    if (manifest === null || rendered.has(path) || !(await isChanged(folder, path, manifest))) continue;
    found.push({ path: join(folder, path), reason: "was changed since, and would be removed", canForce: true });
  }
  return found;
}

/**
 * Whether a file that a manifest lists has another content by now. A link is none of ours. What else is no plain file
 * inside of the folder is not looked at, for nothing is done to it.
 */
export async function isChanged(folder: string, path: string, manifest: Manifest): Promise<boolean> {
  if (!isInside(path) || (await parentObstacle(folder, path, new Set())) !== null) return false;
  const found = await statOf(join(folder, path));
  if (found?.isSymbolicLink()) return true;
  return found?.isFile() === true && !knowsContent(manifest, path, await hashOf(join(folder, path)));
}

/** Whether a path of a manifest stays inside of its folder. */
export function isInside(path: string): boolean {
  return !path.split("/").some((part) => part === "" || part === "." || part === "..");
}

/** The folders above a file: `maps/a` of `maps/a/b`, from the top. Says each thing once. */
async function parentObstacle(folder: string, path: string, seen: Set<string>): Promise<Obstacle | "told" | null> {
  const parts = dirname(path).split("/");
  for (const [index] of parts.entries()) {
    const parent = join(folder, ...parts.slice(0, index + 1));
    const obstacle = await wayObstacle(parent);
    if (obstacle === null) continue;
    if (seen.has(parent)) return "told";
    seen.add(parent);
    return obstacle;
  }
  return null;
}

async function wayObstacle(path: string): Promise<Obstacle | null> {
  const found = await statOf(path);
  if (found === null) return null;
  if (found.isDirectory()) return (await isWritable(path)) ? null : notWritable(path);
  const reason = found.isSymbolicLink() ? "is a link where a folder must be" : "is no folder, and one must be there";
  return { path, reason, canForce: false };
}

function notWritable(path: string): Obstacle {
  return { path, reason: "is a folder in which this user may not write", canForce: false };
}

interface Planned {
  readonly path: string;
  readonly text: string;
  readonly manifest: Manifest | null;
}

async function fileObstacle(folder: string, { path, text, manifest }: Planned): Promise<Obstacle | null> {
  const full = join(folder, path);
  const besides = await statOf(`${full}${UNFINISHED}`);
  if (besides?.isDirectory()) return { path: `${full}${UNFINISHED}`, reason: "is a folder", canForce: false };
  const found = await statOf(full);
  if (found === null) return null;
  if (found.isDirectory()) return { path: full, reason: "is a folder where a file must be", canForce: false };
  if (found.isSymbolicLink()) return { path: full, reason: "is a link that render did not make", canForce: true };
  if (!found.isFile()) return { path: full, reason: "is no plain file", canForce: false };
  const isKnown =
    manifest !== null && [manifest.files, manifest.unfinished ?? {}].some((list) => Object.hasOwn(list, path));
  if (!isKnown && found.size !== Buffer.byteLength(text)) return notOurs(full);
  const hash = await hashOf(full);
  if (hash === sha256(text) || (manifest !== null && knowsContent(manifest, path, hash))) return null;
  return isKnown ? { path: full, reason: "was changed since render wrote it", canForce: true } : notOurs(full);
}

function notOurs(path: string): Obstacle {
  return { path, reason: "was not written by render", canForce: true };
}

/** In pieces: what somebody put there may be of any size. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Null when there is nothing, also because a folder above is none: that is said of the folder. */
async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
