/** Takes endpoints that fail their probes out of upstream groups, in the text of their files. */
import { type Steps, shouldYield } from "../../../util/steps.ts";
import type { ClusterEndpoint, RenderedFile } from "../../target.ts";
import { hostAndPort } from "../hostAndPort.ts";
import { PROBED_FILES } from "./probes.ts";

/**
 * The beginning of a group and its servers, by the text of `upstream.hbs`. Strings and comments are stepped over: what users wrote may
 * look like one.
 */
const STRING_COMMENT_GROUP_OR_SERVER =
  /"(?:[^"\\]|\\.)*"|#[^\n]*|^ {2}upstream ([^\s;.]+)[^\s;]* \{$|(^ {4}server ([^\s;]+)[^;\n]*);$/gms;

/** As the template writes it. */
const DOWN = " down";

/** The files with these endpoints `down`: they get nothing new, and finish what they have. */
export function* takeOut(
  files: readonly RenderedFile[],
  endpoints: readonly ClusterEndpoint[],
): Steps<readonly RenderedFile[]> {
  const down = new Set(endpoints.map(({ cluster, address, port }) => `${cluster} ${hostAndPort(address, port)}`));
  if (down.size === 0) return files;
  const probed: ReadonlySet<string> = new Set(Object.values(PROBED_FILES));
  const written: RenderedFile[] = [];
  for (const file of files) {
    written.push(probed.has(file.path) ? { ...file, text: yield* withoutDown(file.text, down) } : file);
  }
  return written;
}

function* withoutDown(text: string, down: ReadonlySet<string>): Steps<string> {
  const parts: string[] = [];
  let [end, seen, cluster] = [0, 0, ""];
  for (const { 0: found, 1: group, 2: server, 3: at, index } of text.matchAll(STRING_COMMENT_GROUP_OR_SERVER)) {
    seen += 1;
    if (shouldYield(seen)) yield;
    cluster = group ?? cluster;
    if (server === undefined || server.endsWith(DOWN) || !down.has(`${cluster} ${at}`)) continue;
    parts.push(text.slice(end, index), `${server}${DOWN};`);
    end = index + found.length;
  }
  return parts.join("") + text.slice(end);
}
