/** Several files as one document. Every place in it is one of a file. */
import { collections, validateConfig } from "../model/index.ts";
import { pointer, pointerTokens } from "../util/pointer.ts";
import { type LoadedDocument, loadDocument, type Place, type PlacedProblem } from "./document.ts";
import { findFiles } from "./findFiles.ts";
import { withGeoFiles } from "./geoFiles.ts";
import { MAX_FILE_BYTES } from "./readText.ts";
import { withTextFiles } from "./textFiles.ts";

/**
 * The document of one file; of several files and folders their lists one after the other, in the order of `findFiles`. What is
 * wrong with one of several files as such is told for all of them, before the whole is judged. Throws when one cannot be read.
 */
export async function loadDocuments(paths: readonly string[]): Promise<LoadedDocument> {
  const documents: LoadedDocument[] = [];
  let bytes = 0;
  for (const file of await findFiles(paths)) {
    const document = await withTextFiles(await withGeoFiles(await loadDocument(file)));
    bytes += document.bytes;
    if (bytes > MAX_FILE_BYTES) throw new Error(`the files are larger than ${MAX_FILE_BYTES} bytes together`);
    documents.push(document);
  }
  const [first, ...others] = documents;
  return first !== undefined && others.length === 0 ? first : joined(documents, bytes);
}

/** Where an item of a joined list comes from. */
interface Origin {
  readonly document: LoadedDocument;
  readonly index: number;
}

function joined(documents: readonly LoadedDocument[], bytes: number): LoadedDocument {
  const title = `${documents.length} files`;
  const files = documents.flatMap((document) => document.files);
  const [first] = documents as readonly [LoadedDocument, ...LoadedDocument[]];
  const problems = documents.flatMap((document) =>
    document.problems.length > 0 ? document.problems : frameProblems(document),
  );
  if (problems.length > 0) return { file: title, files, bytes, value: null, problems, placeOf: first.placeOf };
  const value: Record<string, unknown[]> = {};
  const origins = new Map<string, Origin[]>();
  for (const document of documents) {
    for (const [list, items] of Object.entries(document.value as Readonly<Record<string, readonly unknown[]>>)) {
      const all = value[list] ?? [];
      const known = origins.get(list) ?? [];
      for (const [index, item] of items.entries()) {
        all.push(item);
        known.push({ document, index });
      }
      value[list] = all;
      origins.set(list, known);
    }
  }
  const placeOf = (at: string): Place => {
    const [list = "", index, ...below] = pointerTokens(at);
    const origin = origins.get(list)?.[Number(index)];
    if (origin === undefined) return first.placeOf("");
    return origin.document.placeOf(pointer(list, origin.index, ...below));
  };
  return { file: title, files, bytes, value, problems: [], placeOf };
}

/** What is no list of resources in a document: each file must be a document by itself. */
function frameProblems({ value, placeOf }: LoadedDocument): readonly PlacedProblem[] {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const others = isObject
    ? Object.fromEntries(Object.entries(value).filter(([list, items]) => !isList(list, items)))
    : value;
  return validateConfig(others).diagnostics.map(({ resource: _, related: __, ...problem }) => ({
    ...problem,
    ...placeOf(problem.pointer),
  }));
}

function isList(name: string, items: unknown): boolean {
  return collections.some((list) => list === name) && Array.isArray(items);
}
