/** A fleet's files as JSON. */
import type { FleetError, FleetFiles } from "../publish/types.ts";
import { piecesOf } from "../util/pieces.ts";

/** UTF-16 units of a text that are written at once: about a millisecond. */
const UNITS_PER_PIECE = 256 * 1024;

/** The schema `FleetFiles`, piece by piece: files may have many megabytes. `error`: why these are older than the newest revision. */
export function* filesJson(
  { fleet, proxy, revision, generation, sockets, files }: FleetFiles,
  error: FleetError | null,
): Generator<string> {
  yield `${JSON.stringify({ fleet, proxy, revision, generation, sockets }).slice(0, -1)},"files":[`;
  for (const [index, { path, text, mode }] of files.entries()) {
    yield `${index === 0 ? "" : ","}{"path":${JSON.stringify(path)},"text":"`;
    for (const piece of piecesOf(text, UNITS_PER_PIECE)) yield JSON.stringify(piece).slice(1, -1);
    yield `","mode":${mode}}`;
  }
  yield error === null ? "]}" : `],"error":${JSON.stringify(error)}}`;
}
