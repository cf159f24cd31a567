/** One rendering at a time into one folder. */
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { sha256 } from "./writeTree.ts";

/**
 * Takes the folder, or throws when another rendering of this machine has it. The lock is an abstract Unix socket: the kernel
 * drops it with the process, so a killed run leaves nothing behind, neither a lock nor a file beside the rendered ones. Gives
 * the release.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const name = `\0trimtab-render-${sha256(await realpath(folder)).slice(0, 32)}`;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`another \`trimtab render\` is writing to ${folder}: run it again when that one is done`)
          : error,
      ),
    );
    server.listen(name, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
