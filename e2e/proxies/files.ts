/** What nginx and HAProxy have in common: a directory of files that the program rendered. */
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { must } from "../harness/api.ts";
import { AGENT_TOKEN, type Program } from "../harness/program.ts";

/** As agents ask: private keys stand in the files. */
const headers = { accept: "application/json", authorization: `Bearer ${AGENT_TOKEN}` };

interface FileAnswer {
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode?: number }[];
}

/** Replaces what stands in `dir` (what `keep` says excepted) by the fleet's newest files; gives their ETag. */
export async function fetchFiles(
  program: Program,
  fleet: string,
  options: { dir: string; keep: (entry: string) => boolean },
): Promise<string> {
  const { dir, keep } = options;
  const answer = await must(program.api, `GET /v1/fleets/${fleet}/files`, { headers });
  for (const entry of await readdir(dir)) {
    if (!keep(entry)) await rm(join(dir, entry), { recursive: true });
  }
  for (const file of (answer.json as FileAnswer).files) {
    const path = join(dir, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.text, { mode: file.mode ?? 0o644 });
  }
  // nginx's workers run as another user and make their temporary files below.
  await chmod(dir, 0o755);
  return answer.etag ?? "";
}

/** The ETag of the fleet's newest files. */
export async function filesTag(program: Program, fleet: string): Promise<string> {
  const answer = await must(program.api, `GET /v1/fleets/${fleet}/files`, { headers });
  return answer.etag ?? "";
}
