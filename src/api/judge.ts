/** The verdict on a write: bounds, rules and proxies look at the model after it. */
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import {
  applyChanges,
  collectionOf,
  createChecker,
  diffSnapshotsSteps,
  effectOf,
  type Scale,
  touchedBy,
} from "../model/index.ts";
import type { Change, ChangeWord, Snapshot } from "../model/types.ts";
import type { Publisher } from "../publish/types.ts";
import type { Head } from "../store/types.ts";
import { sortedByKeySteps } from "../util/sorted.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { type Locate, refuse } from "./diagnostics.ts";

/**
 * What a write would change, seen from the head it builds on. What becomes of a resource must depend on that resource alone: of a
 * head that differs in others it is the same.
 */
export interface Plan {
  readonly changes: readonly Change[];
  readonly locate: Locate;
}

/** A write that nothing refuses. */
export interface Judged {
  /** Those that make a difference, and what each does. */
  readonly changes: readonly Change[];
  readonly changed: readonly { readonly resource: string; readonly change: ChangeWord }[];
  /** The model after them. */
  readonly snapshot: Snapshot;
  /** Warnings of the model's rules about what was touched, and of all fleets' proxies. */
  readonly found: readonly Diagnostic[];
  readonly admitted: readonly Diagnostic[];
  readonly locate: Locate;
}

/** Remembers the model that it saw last: of one that differs little, little is looked at. No two looks at once. */
export interface Judge {
  /** Throws the Problem that refuses the write. */
  readonly judge: (head: Head, plan: Plan) => Steps<Judged>;
  /**
   * The same for a write that was judged on `before` when it comes to build on `head` instead, and `plan` is what it would change
   * there: costs what changed between the two. Null: the whole has to be judged, as something is wrong or too much has changed.
   */
  readonly judgeAgain: (judged: Judged, heads: { before: Head; head: Head }, plan: Plan) => Steps<Judged | null>;
}

/** Resources that others may change between the verdict on a large write and its turn: looked at in the turn, some 10 ms. */
export const MAX_BETWEEN = 256;

/** A judge that has seen no model yet. */
export function createJudge({ publisher, scale }: { readonly publisher: Publisher; readonly scale: Scale }): Judge {
  const check = createChecker();
  const admit = publisher.createAdmitter();

  function* judge(head: Head, { changes: planned, locate }: Plan): Steps<Judged> {
    const { changes, changed } = yield* effective(head.snapshot, planned);
    const snapshot = changes.length === 0 ? head.snapshot : applyChanges(head.snapshot, changes);
    yield;
    refuse(yield* scale.judge(head.snapshot, snapshot, changes), locate);
    const found = yield* check(snapshot, changes);
    refuse(found, locate);
    const { diagnostics: admitted } = yield* admit(snapshot, head.snapshot);
    refuse(admitted, locate);
    return { changes, changed, snapshot, found, admitted, locate };
  }

  const judgeAgain: Judge["judgeAgain"] = function* (judged, { before, head }, { changes: planned, locate }) {
    const between = yield* diffSnapshotsSteps(before.snapshot, head.snapshot);
    if (between.length > MAX_BETWEEN) return null;
    const { changes, changed } = yield* effective(head.snapshot, planned);
    const news = (yield* effective(judged.snapshot, yield* overlaid(between, changes))).changes;
    const snapshot = news.length === 0 ? judged.snapshot : applyChanges(judged.snapshot, news);
    yield;
    // The first finds the figures at the cost of what is new, the second compares them with the head's.
    yield* scale.judge(judged.snapshot, snapshot, news);
    const tooLarge = yield* scale.judge(head.snapshot, snapshot, changes);
    const fresh = yield* check(snapshot, news);
    if ([...tooLarge, ...fresh].some(isError)) return null;
    const { diagnostics: admitted } = yield* admit(snapshot, head.snapshot);
    if (admitted.some(isError)) return null;
    const found = yield* replaced(judged.found, fresh, yield* touchedBy(snapshot, news));
    return { changes, changed, snapshot, found, admitted, locate };
  };

  return { judge, judgeAgain };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

function* effective(
  base: Snapshot,
  planned: readonly Change[],
): Steps<{ changes: readonly Change[]; changed: Judged["changed"] }> {
  const changes: Change[] = [];
  const changed: Judged["changed"][number][] = [];
  for (const [index, change] of planned.entries()) {
    const word = effectOf(base, change);
    if (shouldYield(index)) yield;
    if (word === null) continue;
    changes.push(change);
    changed.push({ resource: `${collectionOf(change.kind)}/${change.name}`, change: word });
  }
  return { changes, changed };
}

function keyOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}/${name}`;
}

/** What becomes of the resources in `under`, when `over` comes after it. */
function* overlaid(under: readonly Change[], over: readonly Change[]): Steps<readonly Change[]> {
  const both = new Map(under.map((change) => [keyOf(change), change]));
  if (both.size === 0) return [];
  for (const [index, change] of over.entries()) {
    const key = keyOf(change);
    if (both.has(key)) both.set(key, change);
    if (shouldYield(index)) yield;
  }
  return [...both.values()];
}

/** What was found, with what is found now of those that were looked at again. */
function* replaced(
  found: readonly Diagnostic[],
  fresh: readonly Diagnostic[],
  touched: ReadonlySet<string>,
): Steps<readonly Diagnostic[]> {
  const kept = found.filter(({ resource }) => resource === undefined || !touched.has(keyOf(resource)));
  return yield* sortedByKeySteps([...kept, ...fresh], diagnosticKey);
}
