/** The one path that every write takes: conditions, model, publisher, commit. */
import type { FastifyRequest } from "fastify";
import type { Diagnostic } from "../errors/diagnostic.ts";
import {
  applyChanges,
  type Checker,
  collectionOf,
  effectOf,
  inUse,
  reachOf,
  type Scale,
  toldOnce,
} from "../model/index.ts";
import type { Change, ChangeWord, Resource, Snapshot } from "../model/types.ts";
import type { Publisher } from "../publish/types.ts";
import type { Head, Prepared, Store } from "../store/types.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { type Locate, refusal, toItem } from "./diagnostics.ts";
import { MAX_AUTHOR, MAX_ERRORS, MAX_MESSAGE } from "./limits.ts";
import { Problem, type ProblemItem } from "./problem.ts";

/** What a write would change, seen from the head it builds on. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly locate: Locate;
}

/** The body of every answer to a write. */
export interface WriteAnswer {
  /** The revision that holds the write; with `dryRun`, the one it was tried on. */
  readonly revision: number;
  readonly changed: readonly { readonly resource: string; readonly change: ChangeWord }[];
  /** About what was sent, what changed by it, and what names that. */
  readonly warnings: readonly ProblemItem[];
  /** Warnings beyond these: about the rest of the model, and more than MAX_ERRORS. Absent: none. */
  readonly warningsOmitted?: number;
  readonly dryRun?: true;
}

/** What a write goes through: rules and publisher judge it, the store keeps it. */
export interface WriteDeps extends Deps {
  /** The API's own; used in the store's turn only. */
  readonly check: Checker;
  readonly scale: Scale;
}

/** What requests are answered with. */
export interface Deps {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
}

export interface WriteInput {
  readonly author: string;
  readonly message: string;
  readonly dryRun: boolean;
  /** Runs when the write's turn comes. Throws a Problem when a condition does not hold or the document is invalid. */
  readonly plan: (head: Head) => Steps<Plan>;
}

/** What was answered, and the model after it (with `dryRun`: as it would be). */
export interface WriteOutcome {
  readonly answer: WriteAnswer;
  readonly snapshot: Snapshot;
}

interface Judged {
  readonly changes: readonly Change[];
  readonly summary: Pick<WriteAnswer, "changed" | "warnings" | "warningsOmitted">;
  readonly snapshot: Snapshot;
}

/** Throws a Problem when the write is declined, a StoreError when it cannot be stored. */
export async function write(deps: WriteDeps, input: WriteInput): Promise<WriteOutcome> {
  const { store, pace } = deps;
  const { author, message, dryRun, plan } = input;
  function* prepare(head: Head): Steps<Prepared<Judged | Problem>> {
    try {
      const judged = yield* judge(head, yield* plan(head), deps);
      if (dryRun || judged.changes.length === 0) return { kind: "decline", result: judged };
      return { kind: "commit", changes: judged.changes, snapshot: judged.snapshot, result: judged };
    } catch (error) {
      if (error instanceof Problem) return { kind: "decline", result: error };
      throw error;
    }
  }
  const written = await store.write({ author, message, prepare: (head) => inSlices(prepare(head), pace) });
  if (written.result instanceof Problem) throw written.result;
  const { summary, snapshot } = written.result;
  return { answer: { revision: written.revision, ...summary, ...(dryRun ? { dryRun } : {}) }, snapshot };
}

/** The model after the changes with its warnings; throws the Problem that refuses it. */
function* judge(head: Head, { changes, locate }: Plan, { publisher, check, scale }: WriteDeps): Steps<Judged> {
  const effective: Change[] = [];
  const changed: WriteAnswer["changed"][number][] = [];
  for (const [index, change] of changes.entries()) {
    const word = effectOf(head.snapshot, change);
    if (shouldYield(index)) yield;
    if (word === null) continue;
    effective.push(change);
    changed.push({ resource: `${collectionOf(change.kind)}/${change.name}`, change: word });
  }
  const snapshot = effective.length === 0 ? head.snapshot : applyChanges(head.snapshot, effective);
  yield;
  refuse(yield* scale.judge(head.snapshot, snapshot, effective), locate);
  const found: readonly Diagnostic[] = yield* check(snapshot, effective);
  const refused = refusal(found, locate);
  if (refused !== null) throw withDetail(refused, yield* inUse(snapshot, effective));
  const { diagnostics } = yield* publisher.admit(snapshot);
  refuse(diagnostics, locate);
  const warnings = yield* concerned([...found, ...diagnostics], { snapshot, changes: effective, locate });
  return { changes: effective, summary: { changed, ...warnings }, snapshot };
}

/** Of the whole model's warnings those that a writer should read; the others are counted. */
function* concerned(
  all: readonly Diagnostic[],
  { snapshot, changes, locate }: { snapshot: Snapshot } & Plan,
): Steps<Pick<WriteAnswer, "warnings" | "warningsOmitted">> {
  const isSent = ({ resource }: Diagnostic): boolean =>
    resource === undefined || locate(resource.kind, resource.name) !== undefined;
  const reach = all.every(isSent) ? null : yield* reachOf(snapshot, changes);
  const near = all.filter((entry) => isSent(entry) || reach?.has(`${entry.resource?.kind}/${entry.resource?.name}`));
  const told = yield* toldOnce(near);
  const warnings = told.slice(0, MAX_ERRORS).map((entry) => toItem(entry, locate));
  const omitted = all.length - near.length + told.length - warnings.length;
  return omitted > 0 ? { warnings, warningsOmitted: omitted } : { warnings };
}

/** What takes long and depends on what is written alone is done before the write's turn. Throws the Problem that refuses it. */
export async function prepareWrite(
  { scale, pace }: Pick<WriteDeps, "scale" | "pace">,
  resources: readonly Resource[],
  locate: Locate,
): Promise<void> {
  refuse(await inSlices(scale.prepare(resources), pace), locate);
}

/** The refusal that says first by whom what it deletes is in use. */
function withDetail(problem: Problem, uses: readonly string[]): Problem {
  if (uses.length === 0) return problem;
  const { errors, errorCount } = problem;
  return new Problem("API-INVALID", [...uses, problem.message].join("; "), { errors, errorCount });
}

function refuse(found: readonly Diagnostic[], locate: Locate): void {
  const problem = refusal(found, locate);
  if (problem !== null) throw problem;
}

/** Who writes, why, and whether it is meant: from the headers Trimtab-Author, Trimtab-Message and the query. */
export function readMeta(
  request: FastifyRequest,
  defaultMessage = "",
): Pick<WriteInput, "author" | "message" | "dryRun"> {
  return {
    author: headerText(request, "Trimtab-Author", MAX_AUTHOR) || "anonymous",
    message: headerText(request, "Trimtab-Message", MAX_MESSAGE) || defaultMessage,
    dryRun: (request.query as { dryRun?: boolean }).dryRun === true,
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** UTF-8 (Node gives header bytes as Latin-1), without control characters. Empty when the header is not there. */
function headerText(request: FastifyRequest, name: string, maximum: number): string {
  const raw = request.headers[name.toLowerCase()] ?? "";
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(String(raw), "latin1")).trim();
    if (text.length <= maximum && !CONTROL.test(text)) return text;
  } catch {
    // Not UTF-8: told below like every other malformed value.
  }
  throw new Problem(
    "API-BAD-HEADER",
    `${name} must be at most ${maximum} characters of UTF-8 without control characters`,
  );
}
