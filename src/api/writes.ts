/** The one path that every write takes: conditions, owners, states of canaries, model, publisher, commit. */
import type { FastifyRequest } from "fastify";
import type { Diagnostic } from "../errors/diagnostic.ts";
import {
  applyChanges,
  type Checker,
  carryStates,
  collectionOf,
  effectOf,
  reachOf,
  type Scale,
} from "../model/index.ts";
import type { Change, ChangeWord, Resource, Snapshot } from "../model/types.ts";
import type { Publisher } from "../publish/types.ts";
import type { Head, Prepared, Store } from "../store/types.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { type Locate, refusal, toItem } from "./diagnostics.ts";
import { MAX_AUTHOR, MAX_ERRORS, MAX_MESSAGE } from "./limits.ts";
import { type Claim, settleOwners } from "./owners.ts";
import { Problem, type ProblemItem } from "./problem.ts";

/** What a write would change, seen from the head it builds on. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly locate: Locate;
  /** Whether the changes are documents as they were sent: see `Writes` of owners.ts. Default: false. */
  readonly documents?: boolean;
  /** Whether it moves a canary: every other write leaves canaries where they stand. Default: false. */
  readonly setsState?: boolean;
  /** What was found already; errors refuse the write together with those that are found here. */
  readonly found?: readonly Diagnostic[];
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
  readonly claim: Claim;
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
  const { author, message, dryRun, claim, plan } = input;
  function* prepare(head: Head): Steps<Prepared<Judged | Problem>> {
    try {
      const judged = yield* judge(head, yield* settle(head, yield* plan(head), claim), deps);
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

/** What is to be judged, and what was found before that. */
type Settled = Pick<Plan, "changes" | "locate"> & { readonly found: readonly Diagnostic[] };

/** The changes with the owners and the states that they are to be stored with. A canary that stays is no change, whoever owns it. */
function* settle({ snapshot }: Head, plan: Plan, claim: Claim): Steps<Settled> {
  const { locate, documents = false, setsState = false, found = [] } = plan;
  const as = { changes: plan.changes, restarted: [], warnings: [] };
  const carried = setsState ? as : yield* carryStates(snapshot, plan.changes);
  const owned = yield* settleOwners(snapshot, { changes: carried.changes, documents }, claim);
  const changes = [...owned.changes, ...carried.restarted];
  return { changes, locate, found: [...owned.found, ...found, ...carried.warnings] };
}

/** The model after the changes with its warnings; throws the Problem that refuses it. */
function* judge(head: Head, { changes, locate, found: told }: Settled, deps: WriteDeps): Steps<Judged> {
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
  const found = yield* findings(head.snapshot, { snapshot, effective }, deps);
  refuse([...told, ...found], locate);
  const warnings = yield* concerned(found, { told, snapshot, changes: effective, locate });
  return { changes: effective, summary: { changed, ...warnings }, snapshot };
}

/** What is to be said of the model after the write. After errors of one kind the others, which take the longer, are not looked for. */
function* findings(
  before: Snapshot,
  { snapshot, effective }: { readonly snapshot: Snapshot; readonly effective: readonly Change[] },
  { publisher, check, scale }: WriteDeps,
): Steps<readonly Diagnostic[]> {
  const isError = ({ severity }: Diagnostic): boolean => severity === "error";
  const tooLarge = yield* scale.judge(before, snapshot, effective);
  if (tooLarge.some(isError)) return tooLarge;
  const found: readonly Diagnostic[] = yield* check(snapshot, effective);
  if (found.some(isError)) return found;
  const { diagnostics } = yield* publisher.admit(snapshot);
  return [...found, ...diagnostics];
}

/** Of the whole model's warnings those that a writer should read, after those of the write itself; the others are counted. */
function* concerned(
  all: readonly Diagnostic[],
  { told, snapshot, changes, locate }: { told: readonly Diagnostic[]; snapshot: Snapshot } & Plan,
): Steps<Pick<WriteAnswer, "warnings" | "warningsOmitted">> {
  const isSent = ({ resource }: Diagnostic): boolean =>
    resource === undefined || locate(resource.kind, resource.name) !== undefined;
  const reach = all.every(isSent) ? null : yield* reachOf(snapshot, changes);
  const near = all.filter((entry) => isSent(entry) || reach?.has(`${entry.resource?.kind}/${entry.resource?.name}`));
  const warnings = [...told, ...near].slice(0, MAX_ERRORS).map((entry) => toItem(entry, locate));
  const omitted = told.length + all.length - warnings.length;
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

function refuse(found: readonly Diagnostic[], locate: Locate): void {
  const problem = refusal(found, locate);
  if (problem !== null) throw problem;
}

/** Who writes, why, as whom, and whether it is meant: from the headers Trimtab-Author, Trimtab-Message and the query. */
export function readMeta(
  request: FastifyRequest,
  defaultMessage = "",
): Pick<WriteInput, "author" | "message" | "dryRun" | "claim"> {
  const { dryRun = false, ...query } = request.query as WriteQuery;
  return {
    author: headerText(request, "Trimtab-Author", MAX_AUTHOR) || "anonymous",
    message: headerText(request, "Trimtab-Message", MAX_MESSAGE) || defaultMessage,
    dryRun,
    claim: { owner: query.owner, force: query.force === true },
  };
}

/** What every write takes in its query: `writeQuery` of parameters.ts. */
export interface WriteQuery {
  readonly dryRun?: boolean;
  readonly owner?: string;
  readonly force?: boolean;
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
