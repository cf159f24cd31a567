/** Takes endpoints that fail their probes out of upstream groups, in the text of their files. */
import { type Steps, shouldYield } from "../../../util/steps.ts";
import type { ClusterEndpoint, RenderedFile } from "../../target.ts";
import { hostAndPort } from "../hostAndPort.ts";
import { PROBED_FILES } from "./probes.ts";

/**
 * The beginning of a group (its cluster, and for clients of one endpoint or UDP sessions more), and all its servers, by the text of
 * `upstream.hbs`. Strings and comments are stepped over: what users wrote may look like one.
 */
const STRING_COMMENT_GROUP_OR_SERVERS =
  /"(?:[^"\\]|\\.)*"|#[^\n]*|^ {2}upstream ([^\s;.]+)([^\s;]*) \{$|(?:^ {4}server [^;\n]*;\n)+/gms;

/** As the template writes them. */
const DOWN = " down;";
const BACKUP = " backup";

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
  /** Of each cluster's own group, which stands in front of those of its endpoints. */
  const left = new Map<string, readonly string[]>();
  let [end, seen, empty, cluster, more] = [0, 0, 0, "", ""];
  for (const { 0: found, 1: group, 2: rest = "", index } of text.matchAll(STRING_COMMENT_GROUP_OR_SERVERS)) {
    seen += 1;
    if (shouldYield(seen)) yield;
    if (group !== undefined) [cluster, more] = [group, rest];
    if (!found.startsWith("    server ")) continue;
    let servers = marked(found.trimEnd().split("\n"), cluster, down);
    if (more === "") left.set(cluster, takers(servers));
    else if (servers.every((server) => server.endsWith(DOWN))) {
      servers = instead(servers, left.get(cluster) ?? [], empty);
      empty += 1;
    }
    parts.push(text.slice(end, index), servers.join("\n"), "\n");
    end = index + found.length;
  }
  return parts.join("") + text.slice(end);
}

function marked(servers: readonly string[], cluster: string, down: ReadonlySet<string>): readonly string[] {
  return servers.map((server) => {
    const [, address = ""] = /^ {4}server ([^\s;]+)/.exec(server) ?? [];
    return server.endsWith(DOWN) || !down.has(`${cluster} ${address}`) ? server : `${server.slice(0, -1)}${DOWN}`;
  });
}

/** Who gets the requests now: backups where no primary is left. nginx wants a group to have primaries. */
function takers(servers: readonly string[]): readonly string[] {
  const left = servers.filter((server) => !server.endsWith(DOWN));
  const primaries = left.filter((server) => !server.includes(BACKUP));
  return primaries.length > 0 ? primaries : left.map((server) => server.replace(BACKUP, ""));
}

/** Servers for a group of few of its cluster's, of which none is left: no more of them, and not the same ones for each such group. */
function instead(servers: readonly string[], left: readonly string[], nth: number): readonly string[] {
  if (left.length === 0) return servers;
  const start = nth * servers.length;
  const length = Math.min(servers.length, left.length);
  return Array.from({ length }, (_, index) => left[(start + index) % left.length] as string);
}
