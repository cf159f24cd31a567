/** An apply as the server does it, or tells of it: what `apply` and `diff` share. */
import {
  type Answer,
  isObject,
  listIn,
  refusalText,
  type ServerItem,
  type ServerOptions,
  type ServerProblem,
  send,
} from "./client.ts";
import { inOrder, type LoadedDocument, type PlacedProblem } from "./document.ts";
import type { Io } from "./output.ts";
import { type Report, report } from "./report.ts";

/** Somebody else writes between two questions that belong together; they are asked anew this often. */
export const MAX_TRIES = 5;
/** The answer then. */
export const PRECONDITION_FAILED = 412;

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

/** As `sendApply`, but nothing is stored when there are warnings: the answer is then that of a dry run. */
export async function sendStrictly(server: ServerOptions, request: ApplyRequest): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const { etag } = await send(server, { method: "HEAD", path: "/v1/config" });
    // What was judged is what is written: a write in between may make warnings of its own.
    const headers = { ...request.headers, ...(etag === null ? {} : { "if-match": etag }) };
    let answer = await sendApply(server, { ...request, headers, dryRun: true });
    const isGood = isDone(answer) && writeAnswer(answer).warnings.length === 0;
    if (isGood && !request.dryRun) answer = await sendApply(server, { ...request, headers });
    if (answer.status !== PRECONDITION_FAILED || tries === MAX_TRIES) return answer;
  }
}

/** What the server says it changed. Throws when it says something else. */
export function writeAnswer(answer: Answer): WriteAnswer {
  listIn(answer, "changed");
  listIn(answer, "warnings");
  return answer.body as WriteAnswer;
}

/** An answer and what it is about. */
export interface ApplyAnswer {
  readonly answer: Answer;
  readonly document: LoadedDocument;
}

/** What the server says beside the problems when there is nothing more to say. */
const JUST_A_COUNT = /^\d+ problems?; nothing was stored$/;

/** Prints why the server refused the document, each reason at its place and in the order of `validate`; gives the exit code. */
export async function refused(io: Io, { answer, document }: ApplyAnswer, how: Report): Promise<number> {
  const { detail = "", errors, errorsOmitted = 0 } = isObject(answer.body) ? (answer.body as ServerProblem) : {};
  if (errors === undefined) throw new Error(refusalText(answer));
  const problems = inOrder(
    document,
    errors.map((item) => place(document, item, "error")),
  );
  const error = JUST_A_COUNT.test(detail) ? undefined : detail;
  return report(io, { problems, omitted: errorsOmitted, error }, how);
}

/** Where an item stands in the file. What the file does not hold stands at its start, and is named. */
export function place(document: LoadedDocument, item: ServerItem, severity: "error" | "warning"): PlacedProblem {
  const { resource, ...problem } = item;
  if (resource === undefined) return { ...problem, severity, ...document.placeOf(problem.pointer) };
  const { pointer } = problem;
  return { ...problem, message: `${resource}: ${problem.message}`, severity, ...document.placeOf(""), pointer };
}
