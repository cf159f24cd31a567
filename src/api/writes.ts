/** The one path that every write takes: conditions, owners, states of canaries, model, publisher, commit. */
import type { FastifyRequest } from "fastify";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { certificateTimes, extentOf, reachOf, type Scale, toldOnce } from "../model/index.ts";
import type { ChangeWord, Resource, Snapshot } from "../model/types.ts";
import type { Publisher } from "../publish/types.ts";
import type { Keeper, Sealed } from "../secrets/index.ts";
import type { Head, Prepared, Store } from "../store/types.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import type { Steps } from "../util/steps.ts";
import { type Locate, refuse, toItem } from "./diagnostics.ts";
import type { Judge, Judged, Settled } from "./judge.ts";
import type { Judges } from "./judges.ts";
import { LARGE_EXTENT, MAX_AUTHOR, MAX_ERRORS, MAX_MESSAGE, MAX_TRIES_ASIDE } from "./limits.ts";
import type { Claim } from "./owners.ts";
import { peerOf } from "./peer.ts";
import { Problem, type ProblemItem } from "./problem.ts";
import { type Plan, settle } from "./settle.ts";

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
  readonly judges: Judges;
  readonly scale: Scale;
  readonly secrets: Keeper;
  /** What certificates are good at. */
  readonly now: () => Date;
  readonly onWrite?: ((event: WriteEvent) => void) | undefined;
}

/** A write was stored. What it wrote stands in the revision. */
export interface WriteEvent {
  readonly revision: number;
  readonly author: string;
  /** The client's address and port. */
  readonly peer: string;
  /** Of what changed, before or after; at most MAX_TOLD_OWNERS of judge.ts. */
  readonly owners: readonly string[];
  readonly changed: WriteAnswer["changed"];
}

/** What requests are answered with. */
export interface Deps {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
}

export interface WriteInput {
  readonly peer: string;
  readonly author: string;
  readonly message: string;
  readonly dryRun: boolean;
  readonly claim: Claim;
  /** What was sealed of the documents. */
  readonly secrets?: readonly Sealed[] | undefined;
  /** Runs before the write's turn and when it comes. Throws a Problem when a condition does not hold or the document is invalid. */
  readonly plan: (head: Head) => Steps<Plan>;
}

/** What was answered, and the model after it (with `dryRun`: as it would be). */
export interface WriteOutcome {
  readonly answer: WriteAnswer;
  readonly snapshot: Snapshot;
}

/** Throws a Problem when the write is declined, a StoreError when it cannot be stored. */
export async function write(deps: WriteDeps, input: WriteInput): Promise<WriteOutcome> {
  const isLarge = await inSlices(wouldHold(deps, input), deps.pace);
  const { revision, judged, committed } = await (isLarge
    ? deps.judges.aside((judge) => writeAside(deps, input, judge))
    : writeInTurn(deps, input));
  const { changed, snapshot, owners } = judged;
  if (committed) deps.onWrite?.({ revision, author: input.author, peer: input.peer, owners: [...owners], changed });
  const written = judged.changes.flatMap(({ resource }) => resource ?? []);
  const told = [...judged.told, ...certificateTimes(written, deps.now())];
  const warnings = await inSlices(concerned({ ...judged, told }), deps.pace);
  return { answer: { revision, changed, ...warnings, ...(input.dryRun ? { dryRun: true } : {}) }, snapshot };
}

/** Whether judging it would hold the store's turn, and all other writes with it. */
function* wouldHold({ store }: WriteDeps, { plan }: WriteInput): Steps<boolean> {
  const head = store.head();
  try {
    const { changes } = yield* plan(head);
    return (yield* extentOf(head.snapshot, changes, LARGE_EXTENT)) > LARGE_EXTENT;
  } catch (error) {
    // Said in its turn, if it is still so then.
    if (error instanceof Problem) return false;
    throw error;
  }
}

function* settled({ plan, claim }: WriteInput, head: Head): Steps<Settled> {
  return yield* settle(head, yield* plan(head), claim);
}

/** What became of a write. */
interface Written {
  readonly revision: number;
  readonly judged: Judged;
  readonly committed: boolean;
}

async function writeInTurn(deps: WriteDeps, input: WriteInput): Promise<Written> {
  const written = await storeJudged(deps, input, function* (head) {
    return yield* deps.judges.present().judge(head, yield* settled(input, head));
  });
  return written as Written;
}

/**
 * Judges the write before its turn. In its turn only what others changed meanwhile is looked at; when that is not enough it is
 * judged once more, and at the last try in its turn, so that no stream of other writes keeps it waiting for ever.
 */
async function writeAside(deps: WriteDeps, input: WriteInput, judge: Judge): Promise<Written> {
  const { store, judges, pace } = deps;
  function* judgeAll(head: Head): Steps<Judged> {
    return yield* judge.judge(head, yield* settled(input, head));
  }
  for (let tries = 1; ; tries++) {
    const before = store.head();
    const judged = await inSlices(judgeAll(before), pace);
    // What changes nothing needs no turn.
    if (input.dryRun || judged.changes.length === 0) return { revision: before.revision, judged, committed: false };
    const written = await storeJudged(deps, input, function* (head) {
      let next: Judged | null = judged;
      if (head.snapshot !== before.snapshot) {
        const plan = yield* settled(input, head);
        next = yield* judge.judgeAgain(judged, head, plan);
        if (next === null && tries === MAX_TRIES_ASIDE) next = yield* judge.judge(head, plan);
      }
      if (next !== null) judges.succeed(judge);
      return next;
    });
    if (written !== null) return written;
  }
}

/** Takes the store's turn. Null: the verdict was null, and nothing is stored. */
async function storeJudged(
  { store, pace }: WriteDeps,
  { author, message, dryRun, secrets }: WriteInput,
  verdict: (head: Head) => Steps<Judged | null>,
): Promise<Written | null> {
  function* prepare(head: Head): Steps<Prepared<Judged | Problem | null>> {
    try {
      const judged = yield* verdict(head);
      if (judged === null || dryRun || judged.changes.length === 0) return { kind: "decline", result: judged };
      return { kind: "commit", changes: judged.changes, snapshot: judged.snapshot, result: judged, secrets };
    } catch (error) {
      if (error instanceof Problem) return { kind: "decline", result: error };
      throw error;
    }
  }
  const { result, revision, committed } = await store.write({
    author,
    message,
    prepare: (head) => inSlices(prepare(head), pace),
  });
  if (result instanceof Problem) throw result;
  return result === null ? null : { revision, judged: result, committed };
}

/** Of the whole model's warnings those that a writer should read, after those of the write itself; the others are counted. */
function* concerned({
  told,
  found,
  admitted,
  snapshot,
  changes,
  locate,
}: Judged): Steps<Pick<WriteAnswer, "warnings" | "warningsOmitted">> {
  const all = [...(yield* found()), ...admitted];
  const isSent = ({ resource }: Diagnostic): boolean =>
    resource === undefined || locate(resource.kind, resource.name) !== undefined;
  const reach = all.every(isSent) ? null : yield* reachOf(snapshot, changes);
  const near = all.filter((entry) => isSent(entry) || reach?.has(`${entry.resource?.kind}/${entry.resource?.name}`));
  const once = yield* toldOnce([...told, ...near]);
  const warnings = once.slice(0, MAX_ERRORS).map((entry) => toItem(entry, locate));
  const omitted = all.length - near.length + once.length - warnings.length;
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

/** Who writes, why, as whom, and whether it is meant: from the headers Trimtab-Author, Trimtab-Message and the query. */
export function readMeta(
  request: FastifyRequest,
  defaultMessage = "",
): Pick<WriteInput, "peer" | "author" | "message" | "dryRun" | "claim"> {
  const { dryRun = false, ...query } = request.query as WriteQuery;
  return {
    peer: peerOf(request),
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
