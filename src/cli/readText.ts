/** Files and streams as text, with bounds and with errors for people. */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";

/** As large as the API takes a configuration. */
export const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** The text of a file. Throws one line for a person when it cannot be read or is larger than any that is meant to be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readAll(createReadStream(file), file);
  } catch (error) {
    throw missingFile(file, error);
  }
}

/** The line for a person about a file that cannot be read. */
export function missingFile(file: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  // Without a code it is ours, and says what it is about.
  if (code === undefined) return error as Error;
  return new Error(`cannot read ${file || '""'}: ${REASONS[code] ?? message}`, { cause: error });
}

/** The line for a person about a file or folder that cannot be written. */
export function notWritten(path: string, error: unknown): Error {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new Error(`cannot write ${path}: ${WRITE_REASONS[code] ?? REASONS[code] ?? message}`, { cause: error });
}

const WRITE_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  ENOTDIR: "a file stands where a folder should be",
  EEXIST: "a file stands where a folder should be",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
};

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  ELOOP: "its links lead in a circle",
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
  const all = Buffer.concat(chunks);
  const text = all.toString("utf8");
  if (!isUtf8(all)) throw new Error(`${file}:${firstDifference(all, Buffer.from(text))}: this is not UTF-8 text`);
  return text;
}

/** `line:column`, counted from 1 and in bytes. */
function firstDifference(bytes: Buffer, others: Buffer): string {
  const at = bytes.findIndex((byte, index) => byte !== others[index]);
  const lineStart = bytes.lastIndexOf("\n", at) + 1;
  const line = bytes.subarray(0, lineStart).reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 1);
  return `${line}:${at - lineStart + 1}`;
}

const NEWLINE = 0x0a;
