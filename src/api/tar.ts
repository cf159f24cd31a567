/** A fleet's files as a tar archive: same files, same bytes. */
import { pack } from "tar-stream";
import type { FleetFiles } from "../publish/types.ts";
import { compareText } from "../util/sorted.ts";

/** Owner, times and order are fixed: nothing of the machine or the moment gets in. */
export async function toTar(files: FleetFiles["files"]): Promise<Buffer> {
  const archive = pack();
  for (const { path, text, mode } of files.toSorted((a, b) => compareText(a.path, b.path))) {
    archive.entry({ name: path, mode, mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" }, text);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
