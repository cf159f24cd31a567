/**
 * A pipe for a child's standard output that the child can open by name, as nginx opens `/dev/stdout` for its access log. What Node makes by
 * itself is a socket, which nobody can open.
 */
import { execFile } from "node:child_process";
import { constants, openSync } from "node:fs";
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
    const writeEnd = openSync(path, constants.O_WRONLY);
    return { writeEnd, output: new Socket({ fd: readEnd, readable: true, writable: false }) };
  } finally {
    await rm(path, { force: true });
  }
}
