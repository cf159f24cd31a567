import {
  type Answer,
  isObject,
  refusalText,
  type ServerItem,
  type ServerOptions,
  type ServerProblem,
  send,
} from "../client.ts";
import { type LoadedDocument, loadDocument, type PlacedProblem } from "../document.ts";
import { counted, EXIT, type Io, jsonText, printProblems } from "../output.ts";

/** How to apply what. */
export interface ApplyOptions {
  readonly file: string;
  readonly server: ServerOptions;
  readonly dryRun: boolean;
  /** Prunes what this owner no longer lists. */
  readonly owner: string | undefined;
  /** Writes what other owners applied. */
  readonly force: boolean;
  readonly message: string | undefined;
  readonly author: string | undefined;
  readonly json: boolean;
}

/** The server's answer to a write, as far as commands read it. */
export interface WriteAnswer {
  readonly revision: number;
  readonly changed: readonly { readonly resource: string; readonly change: "created" | "updated" | "deleted" }[];
  readonly warnings: readonly ServerItem[];
  readonly warningsOmitted?: number;
}

/** `trimtab apply FILE`: sends the document to the server in one transaction. Exit 1 when it is refused. */
export async function apply(io: Io, options: ApplyOptions): Promise<number> {
  const headers = { ...note("message", options.message), ...note("author", options.author) };
  const document = await loadDocument(options.file);
  if (document.problems.length > 0) return printProblems(io, document.problems, options.json);
  const answer = await sendApply(options.server, { document, headers, ...options });
  if (!isDone(answer)) return refused(io, { answer, document }, options.json);
  return accepted(io, { answer, document }, options);
}

/** What an apply says to the server. */
export interface ApplyRequest {
  readonly document: LoadedDocument;
  readonly headers: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  readonly owner: string | undefined;
  readonly force: boolean;
}

/** Applies, or with `dryRun` asks what applying would do. */
export function sendApply(server: ServerOptions, { document, headers, ...options }: ApplyRequest): Promise<Answer> {
  const query = new URLSearchParams();
  if (options.dryRun) query.set("dryRun", "true");
  if (options.owner !== undefined) query.set("owner", options.owner);
  if (options.force) query.set("force", "true");
  const path = `/v1/config/apply${query.size > 0 ? `?${query}` : ""}`;
  return send(server, { method: "POST", path, body: document.value, headers });
}

/** Whether the server did what it was asked for. */
export function isDone({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** What the server says it changed. Throws when it says something else. */
export function writeAnswer(answer: Answer): WriteAnswer {
  if (!isObject(answer.body) || !Array.isArray(answer.body.changed)) throw new Error(refusalText(answer));
  return answer.body as unknown as WriteAnswer;
}

/** The header for a text of the revision. The server refuses control characters too, but says it in words of HTTP. */
function note(name: "message" | "author", text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  if (/\p{Cc}/u.test(text.trim())) throw new Error(`--${name} must be one line of text`);
  return { [`trimtab-${name}`]: text.trim() };
}

/** An answer and what it is about. */
interface Told {
  readonly answer: Answer;
  readonly document: LoadedDocument;
}

function accepted(io: Io, { answer, document }: Told, { json, dryRun }: ApplyOptions): number {
  const { revision, changed, warnings, warningsOmitted = 0 } = writeAnswer(answer);
  const problems = warnings.map((item) => place(document, item, "warning"));
  if (json) {
    io.out(jsonText({ ok: true, dryRun, revision, changed, problems, ...omitted(warningsOmitted) }));
    return EXIT.ok;
  }
  printProblems(io, problems, false);
  if (warningsOmitted > 0) io.err(`and ${counted(warningsOmitted, "warning")} about the rest of the model\n`);
  for (const { change, resource } of changed) io.out(`${SIGNS[change]} ${resource}\n`);
  const count = counted(changed.length, "resource");
  io.out(dryRun ? `would change ${count}\n` : `revision ${revision}: changed ${count}\n`);
  return EXIT.ok;
}

const SIGNS = { created: "+", updated: "~", deleted: "-" } as const;

function omitted(count: number): { readonly problemsOmitted?: number } {
  return count > 0 ? { problemsOmitted: count } : {};
}

/** Prints why the server refused the document, each reason at its place; gives the exit code. */
export function refused(io: Io, { answer, document }: Told, json: boolean): number {
  const { errors, errorsOmitted = 0 } = isObject(answer.body) ? (answer.body as ServerProblem) : {};
  if (errors === undefined) throw new Error(refusalText(answer));
  const problems = errors.map((item) => place(document, item, "error"));
  if (json) io.out(jsonText({ ok: false, problems, ...omitted(errorsOmitted) }));
  else {
    printProblems(io, problems, false);
    if (errorsOmitted > 0) io.err(`and ${errorsOmitted} more\n`);
  }
  return EXIT.failed;
}

/** What the file does not hold stands at its start, and is named. */
function place(document: LoadedDocument, item: ServerItem, severity: "error" | "warning"): PlacedProblem {
  const { resource, ...problem } = item;
  const { file } = document;
  if (resource === undefined) return { ...problem, severity, file, ...document.placeOf(problem.pointer) };
  return { ...problem, message: `${resource}: ${problem.message}`, severity, file, ...document.placeOf("") };
}
