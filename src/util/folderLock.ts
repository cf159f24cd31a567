/** One process of a kind at a time in one folder. */
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";

/** The name of such a socket has 107 bytes at most. */
const NAME_DIGITS = 32;

/**
 * Takes the folder for a purpose, or throws `taken` when another process of this machine has it for that. The lock is an abstract Unix
 * socket: the kernel drops it with the process, so a killed run leaves nothing behind, neither a lock nor a file. Gives the release.
 */
export async function lockFolder(folder: string, purpose: string, taken: string): Promise<() => Promise<void>> {
  const hash = createHash("sha256").update(await realpath(folder));
  const name = `\0trimtab-${purpose}-${hash.digest("hex").slice(0, NAME_DIGITS)}`;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new Error(taken) : error),
    );
    server.listen(name, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
