/** Texts that stand in files of their own: `file:PATH` in a document becomes what the file holds. */
import { dirname, isAbsolute, join } from "node:path";
import { collectionOf } from "../model/index.ts";
import { FILE, filePaths } from "../secrets/index.ts";
import { pointer } from "../util/pointer.ts";
import type { LoadedDocument, PlacedProblem } from "./document.ts";
import { readText } from "./readText.ts";

/** Of one file: as long as the longest field that takes one. */
const MAX_BYTES = 1024 * 1024;

/** Where a file is named. */
interface Named {
  readonly file: string;
  readonly at: string;
}

/** The document with the texts in place; a path is from the document's folder. What cannot be read is a problem of the document. */
export async function withTextFiles(document: LoadedDocument): Promise<LoadedDocument> {
  const named: Named[] = [];
  const texts = new Map<string, string>();
  replaced(document.value, (text, at) => {
    named.push({ file: fileFrom(document.file, text.slice(FILE.length)), at });
    return text;
  });
  if (named.length === 0) return document;
  const problems: PlacedProblem[] = [];
  for (const { file, at } of named) {
    try {
      const text = await readText(file);
      if (Buffer.byteLength(text) > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES} bytes`);
      texts.set(at, text);
    } catch (error) {
      const { message } = error as Error;
      problems.push({ code: "DOCUMENT-TEXT-FILE", severity: "error", message, ...document.placeOf(at) });
    }
  }
  const bytes = [...texts.values()].reduce((sum, text) => sum + Buffer.byteLength(text), document.bytes);
  if (problems.length > 0) return { ...document, bytes, value: null, problems };
  return { ...document, bytes, value: replaced(document.value, (text, at) => texts.get(at) ?? text) };
}

/** From the folder of the document; of standard input from the working directory. */
function fileFrom(document: string, file: string): string {
  return isAbsolute(file) || document === "-" ? file : join(dirname(document), file);
}

/** A document of any shape with the texts replaced that name files. */
function replaced(document: unknown, make: (text: string, at: string) => string): unknown {
  if (!isObject(document)) return document;
  const lists = Object.entries(filePaths).map(([kind, fields]) => [collectionOf(kind as never), fields] as const);
  const changed: Record<string, unknown> = { ...document };
  for (const [collection, fields] of lists) {
    const list = document[collection];
    if (fields.length === 0 || !Array.isArray(list)) continue;
    changed[collection] = list.map((body: unknown, index) => {
      if (!isObject(body)) return body;
      const found = fields.flatMap((field): [string, string][] => {
        const text = body[field];
        return typeof text === "string" && text.startsWith(FILE)
          ? [[field, make(text, pointer(collection, index, field))]]
          : [];
      });
      return found.length === 0 ? body : { ...body, ...Object.fromEntries(found) };
    });
  }
  return changed;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
