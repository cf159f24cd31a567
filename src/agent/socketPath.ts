/** Where a unix socket can be put. */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `sun_path` holds 108 bytes with its final zero; HAProxy binds under a longer name (`.<pid>.tmp`) first. */
const MAX_SOCKET_PATH_BYTES = 90;

/**
 * `<runDir>/<name>`, or where that is too long for a socket a folder of the run folder's own under the temp folder.
 *
 * @throws Error when somebody else owns that folder.
 */
export function socketPath(runDir: string, name: string): string {
  const wanted = join(runDir, name);
  if (Buffer.byteLength(wanted) <= MAX_SOCKET_PATH_BYTES) {
    return wanted;
  }
  const user = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `trimtab-${user}-${createHash("sha256").update(runDir).digest("hex").slice(0, 12)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== user) {
    throw new Error(`${folder} is not ours: remove it, or use a shorter run folder than ${runDir}`);
  }
  return join(folder, name);
}
