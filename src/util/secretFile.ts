/** Files that hold secrets: they are read only when nobody but their owner, and whom root lets, can read or change them. */
import { constants, type Stats } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { reasonOf } from "./reason.ts";

/** Of the bytes: a private key with its whole chain is a few kilobytes, a token far less. */
const MAX_SECRET_BYTES = 256 * 1024;

/** Rights of everybody, and of the group. */
const OTHERS = 0o007;
const GROUP = 0o070;
/** What root may give a group beside: to read. Kubernetes mounts secrets so (`fsGroup`), and Debian keeps keys so (`ssl-cert`). */
const GROUP_READS = 0o040;
/** In a sticky folder, as /tmp, only owners replace files. */
const STICKY = 0o1000;

const ROOT = 0;

/**
 * What a file holds. Links are followed, as mounted secrets are links; a pipe is as good as a file. Throws one line for a person, which
 * never says what the file holds.
 */
export async function readSecretFile(path: string): Promise<Buffer> {
  // The open file is judged, so that the one that is judged is the one that is read.
  const file = await open(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`cannot read ${path || '""'}: ${REASONS[error.code ?? ""] ?? error.message}`, { cause: error });
  });
  try {
    const found = await file.stat();
    const problem = whyNot(found) ?? (found.isFile() ? await folderProblem(path) : null);
    if (problem !== null) throw new Error(`${path} ${problem}`);
    const bytes = await file.readFile();
    if (bytes.length > MAX_SECRET_BYTES) throw new Error(`${path} is larger than ${MAX_SECRET_BYTES} bytes`);
    return bytes;
  } finally {
    await file.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
};

/**
 * As PostgreSQL's clients judge private keys: what root owns may be readable by its group, all else by its owner alone. What belongs to
 * somebody else than us or root is theirs to change.
 */
function whyNot(found: Stats): string | null {
  if (found.isDirectory()) return "is a folder";
  if (!found.isFile() && !found.isFIFO()) return "is no file";
  if (found.isFile() && found.size > MAX_SECRET_BYTES) return `is larger than ${MAX_SECRET_BYTES} bytes`;
  const us = process.geteuid?.();
  // Where users have no numbers, modes say nothing.
  if (us === undefined) return null;
  const { uid } = found;
  if (uid !== us && uid !== ROOT) return `belongs to another user (${uid}): who owns a secret may change it; chown it`;
  const mode = found.mode & 0o777;
  const tooOpen = mode & (uid === ROOT ? (OTHERS | GROUP) & ~GROUP_READS : OTHERS | GROUP);
  if (tooOpen === 0) return null;
  const who = (tooOpen & OTHERS) === 0 ? "its group" : "others";
  const may = (tooOpen & 0o044) === 0 ? "change or run" : "read";
  return `holds a secret, and ${who} may ${may} it (mode ${octal(mode)}): chmod 600, or mode 0400 where it is mounted`;
}

/** Whoever may write a folder may put another file in the place of this one. */
async function folderProblem(path: string): Promise<string | null> {
  if (process.geteuid === undefined) return null;
  try {
    for (const folder of new Set([dirname(path), dirname(await realpath(path))])) {
      const { mode } = await stat(folder);
      if ((mode & 0o002) !== 0 && (mode & STICKY) === 0)
        return `holds a secret, and its folder ${folder} can be written by everybody (mode ${octal(mode & 0o7777)}): chmod o-w`;
    }
    return null;
  } catch (error) {
    return `lies in a folder that cannot be looked at: ${reasonOf(error)}`;
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
