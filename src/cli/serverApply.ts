/** An apply as the server does it, or tells of it: what `apply` and `diff` share. */
import {
  type Answer,
  isObject,
  refusalText,
  type ServerItem,
  type ServerOptions,
  type ServerProblem,
  send,
} from "./client.ts";
import type { LoadedDocument, PlacedProblem } from "./document.ts";
import { EXIT, type Io, jsonText, printProblems } from "./output.ts";

/** The server's answer to a write, as far as commands read it. */
export interface WriteAnswer {
  readonly revision: number;
  readonly changed: readonly { readonly resource: string; readonly change: "created" | "updated" | "deleted" }[];
  readonly warnings: readonly ServerItem[];
  readonly warningsOmitted?: number;
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
  return send(server, { method: "POST", path: writePath("/v1/config/apply", options), body: document.value, headers });
}

/** The path of a write with what its query says; every write of the API takes these. */
export function writePath(
  path: string,
  { dryRun, owner, force }: Pick<ApplyRequest, "dryRun" | "owner" | "force">,
): string {
  const query = new URLSearchParams();
  if (dryRun) query.set("dryRun", "true");
  if (owner !== undefined) query.set("owner", owner);
  if (force) query.set("force", "true");
  return query.size > 0 ? `${path}?${query}` : path;
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

/** An answer and what it is about. */
export interface ApplyAnswer {
  readonly answer: Answer;
  readonly document: LoadedDocument;
}

/** How many problems were left out, as `--json` says it. */
export function omitted(count: number): { readonly problemsOmitted?: number } {
  return count > 0 ? { problemsOmitted: count } : {};
}

/** What the server says beside the problems when there is nothing more to say. */
const JUST_A_COUNT = /^\d+ problems?; nothing was stored$/;

/** Prints why the server refused the document, each reason at its place; gives the exit code. */
export function refused(io: Io, { answer, document }: ApplyAnswer, json: boolean): number {
  const { detail = "", errors, errorsOmitted = 0 } = isObject(answer.body) ? (answer.body as ServerProblem) : {};
  if (errors === undefined) throw new Error(refusalText(answer));
  const problems = errors.map((item) => place(document, item, "error"));
  const tellsMore = !JUST_A_COUNT.test(detail);
  if (json)
    io.out(jsonText({ ok: false, ...(tellsMore ? { error: detail } : {}), problems, ...omitted(errorsOmitted) }));
  else {
    printProblems(io, problems, false);
    if (errorsOmitted > 0) io.err(`and ${errorsOmitted} more\n`);
    if (tellsMore) io.err(`trimtab: ${detail}\n`);
  }
  return EXIT.failed;
}

/** Where an item stands in the file. What the file does not hold stands at its start, and is named. */
export function place(document: LoadedDocument, item: ServerItem, severity: "error" | "warning"): PlacedProblem {
  const { resource, ...problem } = item;
  if (resource === undefined) return { ...problem, severity, ...document.placeOf(problem.pointer) };
  const { pointer } = problem;
  return { ...problem, message: `${resource}: ${problem.message}`, severity, ...document.placeOf(""), pointer };
}
