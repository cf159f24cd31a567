/** Geo tables whose entries stand in files of their own: `entriesFrom` of a document becomes `entries`. Every place is one of its file. */
import { dirname, isAbsolute, join } from "node:path";
import { pointerTokens } from "../util/pointer.ts";
import type { LoadedDocument, Place, PlacedProblem } from "./document.ts";
import { readText } from "./readText.ts";

/** The code of all that is wrong with such a file as such. */
const CODE = "DOCUMENT-GEO-FILE";
/** Problems that are told of one file: one of another form has them in each line. */
const MAX_PROBLEMS = 20;
/** Files of one document: a model has no more tables. */
const MAX_FILES = 64;

interface Entry {
  readonly cidr: string;
  readonly label: string;
}

/** What was read of one file. */
interface GeoFile {
  readonly file: string;
  readonly bytes: number;
  readonly entries: readonly Entry[];
  /** The line of each entry, counted from 1. */
  readonly lines: readonly number[];
  readonly problems: readonly PlacedProblem[];
}

/** The document with the entries in place. What is wrong with a file is a problem of the document. */
export async function withGeoFiles(document: LoadedDocument): Promise<LoadedDocument> {
  const { value } = document;
  const tables = (value as { readonly geoTables?: unknown } | null)?.geoTables;
  if (!Array.isArray(tables)) return document;
  const read = new Map<number, GeoFile>();
  const problems: PlacedProblem[] = [];
  for (const [index, table] of tables.entries()) {
    const { entriesFrom, ...others } = (table ?? {}) as { readonly entriesFrom?: unknown };
    if (typeof entriesFrom !== "string" || "entries" in others || read.size >= MAX_FILES) continue;
    try {
      read.set(index, await readGeoFile(fileFrom(document.file, entriesFrom)));
    } catch (error) {
      const place = document.placeOf(`/geoTables/${index}/entriesFrom`);
      problems.push({ code: CODE, severity: "error", message: (error as Error).message, ...place });
    }
  }
  if (read.size === 0 && problems.length === 0) return document;
  const all = [...problems, ...[...read.values()].flatMap((file) => file.problems)];
  const bytes = [...read.values()].reduce((sum, file) => sum + file.bytes, document.bytes);
  const files = [...document.files, ...[...read.values()].map(({ file }) => file)];
  if (all.length > 0) return { ...document, files, bytes, value: null, problems: all };
  const geoTables = tables.map((table: object, index) => filled(table, read.get(index)));
  return { ...document, files, bytes, value: { ...(value as object), geoTables }, placeOf: placeIn(document, read) };
}

/** From the folder of the document; of standard input from the working directory. */
function fileFrom(document: string, file: string): string {
  return isAbsolute(file) || document === "-" ? file : join(dirname(document), file);
}

async function readGeoFile(file: string): Promise<GeoFile> {
  const text = await readText(file);
  const entries: Entry[] = [];
  const lines: number[] = [];
  const problems: PlacedProblem[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const [cidr = "", label = "", ...more] = line.split(",").map((part) => part.trim());
    // A header, as tables have that other programs write.
    if (entries.length === 0 && cidr === "cidr" && label === "label") continue;
    if (cidr === "" || label === "" || more.length > 0) {
      const message = "this line is not `cidr,label`, empty or a comment (#)";
      problems.push({ code: CODE, severity: "error", message, file, line: index + 1, column: 1, pointer: "" });
      if (problems.length >= MAX_PROBLEMS) break;
      continue;
    }
    entries.push({ cidr, label });
    lines.push(index + 1);
  }
  return { file, bytes: Buffer.byteLength(text), entries, lines, problems };
}

function filled(table: object, read: GeoFile | undefined): object {
  if (read === undefined) return table;
  const { entriesFrom: _, ...others } = table as { readonly entriesFrom?: unknown };
  return { ...others, entries: read.entries };
}

/** An entry's place is a line of its file; a table's entries as a whole stand where the file is named. */
function placeIn(document: LoadedDocument, read: ReadonlyMap<number, GeoFile>): LoadedDocument["placeOf"] {
  return (at): Place => {
    const [list, index, field, entry] = pointerTokens(at);
    const file = list === "geoTables" && field === "entries" ? read.get(Number(index)) : undefined;
    if (file === undefined) return document.placeOf(at);
    const line = entry === undefined ? undefined : file.lines[Number(entry)];
    if (line === undefined) return document.placeOf(`/geoTables/${index}/entriesFrom`);
    return { file: file.file, line, column: 1, pointer: at };
  };
}
