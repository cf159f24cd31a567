/**
 * A pipe for a child's standard output that the child can open by name, as nginx opens `/dev/stdout` for its access log. What Node makes by
 * itself is a socket, which nobody can open.
 */
import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Both ends. */
export interface OutputPipe {
  /** For the child; it has to be closed here once the child has it, or nobody learns of the end. */
  readonly writeEnd: number;
  readonly output: Socket;
}

/** Makes one; it has its name in the folder for a moment only. */
export async function createOutputPipe(folder: string): Promise<OutputPipe> {
  const path = join(folder, "stdout.pipe");
  await rm(path, { force: true });
  await run("mkfifo", ["-m", "600", path]);
  try {
    // The reader first: a writer without one would wait.
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const output = new Socket({ fd: readEnd, readable: true, writable: false });
    // What is read has come to its end then, and `close` says so.
    output.on("error", () => undefined);
    try {
      return { writeEnd: openSync(path, constants.O_WRONLY), output };
    } catch (error) {
      output.destroy();
      throw error;
    }
  } finally {
    await rm(path, { force: true });
  }
}

/** Closes both ends of a pipe that no child has. */
export function discard({ writeEnd, output }: OutputPipe): void {
  closeSync(writeEnd);
  output.destroy();
}
