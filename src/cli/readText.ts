/** Files and streams as text, with bounds and with errors for people. */
import { createReadStream } from "node:fs";

/** As large as the API takes a configuration. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** The text of a file. Throws one line for a person when it cannot be read or is larger than any that is meant to be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readAll(createReadStream(file), file);
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ""];
    throw reason === undefined ? error : new Error(`cannot read ${file}: ${reason}`, { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
};

/** All that a stream holds. Stops at the limit: a file may be endless. */
export async function readAll(stream: AsyncIterable<unknown>, file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_FILE_BYTES) throw new Error(`${file} is larger than ${MAX_FILE_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString("utf8");
}
