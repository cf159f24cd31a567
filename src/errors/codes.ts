/**
 * The shape of an error code, and how rooms' lists of codes become one registry. Codes are stable: clients branch on them.
 * Each room keeps its own list beside its own errors; the API's and the store's stand here.
 */

export interface ErrorCode {
  /** HTTP status of a problem document that carries this code at its top. */
  readonly status: number;
  /** A few words, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** What it means and what to do: for the docs. */
  readonly explanation: string;
}

/** By code: upper-case words and numbers joined by hyphens, as `API-INVALID`. */
export type ErrorCodes = Readonly<Record<string, ErrorCode>>;

const CODE = /^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+$/;

/** One registry from several lists. Throws when two rooms claim the same code or a code is misspelt: programmer errors. */
export function combineCodes(...lists: readonly ErrorCodes[]): ErrorCodes {
  const all: Record<string, ErrorCode> = {};
  for (const [code, entry] of lists.flatMap((list) => Object.entries(list))) {
    if (!CODE.test(code)) throw new Error(`error code ${code} is not upper-case words joined by hyphens`);
    if (Object.hasOwn(all, code)) throw new Error(`error code ${code} is defined twice`);
    all[code] = entry;
  }
  return Object.freeze(all);
}

/** What the REST API says of requests. */
export const apiCodes = {
  "API-BAD-REQUEST": {
    status: 400,
    title: "Malformed request",
    explanation:
      "The request is not well-formed HTTP, JSON or YAML, has two Host fields, or its body nests too deep or has too many keys or chunks. `detail` says in which line and column a body broke, or which key stands twice in one object.",
  },
  "API-BAD-PARAMETER": {
    status: 400,
    title: "Bad parameter",
    explanation:
      "A query parameter is unknown or has a bad value. Unknown ones are refused so that a misspelt `dryRun` never writes.",
  },
  "API-BAD-HEADER": {
    status: 400,
    title: "Bad header",
    explanation: "A header that the API reads (If-Match, If-None-Match, Trimtab-Author, Trimtab-Message) is malformed.",
  },
  "API-UNAUTHORIZED": {
    status: 401,
    title: "Bearer token needed",
    explanation: "The server was started with an API token; send it as `Authorization: Bearer TOKEN`.",
  },
  "API-FOREIGN-ORIGIN": {
    status: 403,
    title: "Foreign origin",
    explanation:
      "A server without token answers only requests to a loopback name, and no web page of another site may write: this stops pages in a browser from driving it.",
  },
  "API-NOT-FOUND": {
    status: 404,
    title: "Not found",
    explanation: "There is no such path, resource, fleet or revision.",
  },
  "API-METHOD-NOT-ALLOWED": {
    status: 405,
    title: "Method not allowed",
    explanation: "The path exists, but not with this method; `Allow` lists the ones that do.",
  },
  "API-NOT-ACCEPTABLE": {
    status: 406,
    title: "No acceptable representation",
    explanation: "The Accept header excludes every format that this path can give; `detail` lists them.",
  },
  "API-TIMEOUT": {
    status: 408,
    title: "Request not complete in time",
    explanation: "The client took too long to send its request.",
  },
  "API-OWNED-BY-OTHER": {
    status: 409,
    title: "Owned by another",
    explanation:
      "The write changes or deletes resources that have an owner (the label `trimtab.io/owner`) and does not name it, or would bring back what is another's. Leave them out, write as their owner (`owner`, or the label in the document; with `owner` an apply also deletes what it no longer lists), or write them all the same with `force`.",
  },
  "API-NAME-TAKEN": {
    status: 409,
    title: "Name taken by another agent",
    explanation:
      "Another agent reports a proxy of this fleet under this name, and began later. Give each its own: `trimtab agent --name`; two that run the same proxy must not be.",
  },
  "API-NO-FILES": {
    status: 409,
    title: "Fleet has no files",
    explanation: "Envoy fleets get their configuration by xDS; only nginx and HAProxy fleets are rendered to files.",
  },
  "API-PRECONDITION-FAILED": {
    status: 412,
    title: "Precondition failed",
    explanation:
      "If-Match or If-None-Match does not hold: someone else wrote first. Read again, redo the change, send it with the new ETag.",
  },
  "API-TOO-LARGE": {
    status: 413,
    title: "Body too large",
    explanation:
      "The body is larger than this path takes: 512 KiB and 65 536 values for a resource, alone or in a configuration; 32 MiB for a whole configuration as JSON, 4 MiB as YAML, and less when it has very many values. Send it in parts, by apply.",
  },
  "API-UNSUPPORTED-MEDIA-TYPE": {
    status: 415,
    title: "Unsupported media type",
    explanation:
      "Resources are JSON (PATCH: also application/merge-patch+json); whole configurations are JSON or YAML, both in UTF-8 and not packed (no Content-Encoding). Content-Type must say so.",
  },
  "API-HEADERS-TOO-LARGE": {
    status: 431,
    title: "Headers too large",
    explanation: "The request line and headers together are larger than 16 KiB.",
  },
  "API-INVALID": {
    status: 422,
    title: "Invalid",
    explanation:
      "The document, or the model as it would be after the write, has problems. `errors` lists all of them; nothing was stored.",
  },
  "API-NAME-MISMATCH": {
    status: 422,
    title: "Name differs from the path",
    explanation:
      "The document's `name` must equal the last element of the path. Resources cannot be renamed; write a new one and delete the old.",
  },
  "API-TOO-LONG-TO-EXPLAIN": {
    status: 422,
    title: "Takes too long to explain",
    explanation:
      "To match this path, or a header of this request, against the host's regular expressions would hold the server. The proxies are not concerned. Ask with a shorter path and shorter headers.",
  },
  "API-OWNER-LABEL": {
    status: 422,
    title: "Other owner in the document",
    explanation:
      "A write with `owner` has a resource whose own label `trimtab.io/owner` says something else. To hand a resource over, take it as its new owner with `force`.",
  },
  "API-INTERNAL": {
    status: 500,
    title: "Internal error",
    explanation: "A defect in Trimtab. Nothing was stored. The log has the details under the same request id.",
  },
  "API-BUSY": {
    status: 503,
    title: "Busy",
    explanation:
      "Too many large writes are in progress, or all memory for large bodies is in use. Try again after the seconds that Retry-After gives.",
  },
  "API-FLEET-FAILED": {
    status: 503,
    title: "Fleet has no good output",
    explanation:
      "The fleet's configuration cannot be made, and there is none of an earlier revision that could be given. `detail` says why; `GET /v1/fleets/{name}/status` has it with the revision and the time.",
  },
  "FLEET-NOT-RENDERED": {
    status: 500,
    title: "Fleet cannot be rendered",
    explanation:
      "A defect in Trimtab: what was admitted for this fleet cannot be written. The fleet keeps its last good output, other fleets go on. The message and the log say where it broke.",
  },
  "API-NOT-READY": {
    status: 503,
    title: "Not ready",
    explanation:
      "The revision that was stored when the server started has not been published yet, or the server is stopping.",
  },
} as const satisfies ErrorCodes;

/** What the store says when it cannot open or write. */
export const storeCodes = {
  "STORE-LOCKED": {
    status: 500,
    title: "Store in use",
    explanation: "Another process has this data directory open. Stop it, or give each server a directory of its own.",
  },
  "STORE-MISSING": {
    status: 500,
    title: "No database",
    explanation:
      "The directory that `--data` names holds no database to check, copy or compact. `trimtab serve` makes one.",
  },
  "STORE-NEWER": {
    status: 500,
    title: "Store written by a newer program",
    explanation:
      "The database has a schema that this program does not know. Start the newer program, or restore a backup made before the upgrade.",
  },
  "STORE-FOREIGN": {
    status: 500,
    title: "Not a Trimtab database",
    explanation:
      "A file in the data directory was not written by Trimtab. Choose another directory with `--data`, or restore a backup.",
  },
  "STORE-CORRUPT": {
    status: 500,
    title: "Store corrupt",
    explanation:
      "The database is damaged: the file, its tables, rows that contradict each other or their hashes, or acknowledged revisions that are gone. Nothing is loaded and nothing changed. `trimtab store check` tells all that is wrong; restore a backup.",
  },
  "STORE-UNWRITABLE": {
    status: 500,
    title: "No place for the store",
    explanation:
      "The data directory cannot be made, or what is in it cannot be opened for writing. Give it to the user that runs the server, or choose another with `--data`.",
  },
  "STORE-BUSY": {
    status: 503,
    title: "Database locked by another program",
    explanation:
      "Another program (a backup tool, the sqlite3 shell) has held the database's write lock for some seconds. Nothing was stored. Try again after the seconds that Retry-After gives.",
  },
  "STORE-FULL": {
    status: 507,
    title: "Disk full",
    explanation:
      "The disk has no room for the write. Nothing was stored; the last good configuration stays in force, and writes succeed again when there is room.",
  },
  "STORE-WRITE-FAILED": {
    status: 503,
    title: "Store cannot write",
    explanation:
      "The disk refused the write (a quota, turned read-only, failing). Nothing was stored; the last good configuration stays in force, and writes succeed again when the disk takes them.",
  },
  "STORE-READ-FAILED": {
    status: 503,
    title: "Store cannot read",
    explanation: "The disk refused to give an older revision. The configuration in force is not concerned.",
  },
  "STORE-QUEUE-FULL": {
    status: 503,
    title: "Too many waiting writes",
    explanation: "Writes arrive faster than the disk takes them. Try again later.",
  },
  "STORE-CLOSED": {
    status: 503,
    title: "Store closed",
    explanation: "The server is stopping.",
  },
} as const satisfies ErrorCodes;

/** The codes of `apiCodes`. */
export type ApiCode = keyof typeof apiCodes;
/** The codes of `storeCodes`. */
export type StoreCode = keyof typeof storeCodes;
