/** The verdict on a write: bounds, rules and proxies look at the model after it. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import {
  applyChanges,
  collectionOf,
  createChecker,
  diffSnapshotsSteps,
  effectOf,
  inUse,
  ownerOf,
  type Scale,
  warningsOf,
} from "../model/index.ts";
import type { Change, ChangeWord, Resource, Snapshot } from "../model/types.ts";
import type { Publisher } from "../publish/types.ts";
import type { Head } from "../store/types.ts";
import { done, type Steps, shouldYield } from "../util/steps.ts";
import { type Locate, refuse } from "./diagnostics.ts";

/** What is to be stored on a head, and what was found of it before the model is looked at. */
export interface Settled {
  readonly changes: readonly Change[];
  readonly locate: Locate;
  readonly told: readonly Diagnostic[];
}

/** A write that nothing refuses. */
export interface Judged {
  /** Those that make a difference, and what each does. */
  readonly changes: readonly Change[];
  readonly changed: readonly { readonly resource: string; readonly change: ChangeWord }[];
  /** Whose that is, before or after; at most MAX_TOLD_OWNERS. */
  readonly owners: ReadonlySet<string>;
  /** The model after them. */
  readonly snapshot: Snapshot;
  /** Warnings of the write itself, of the model's rules about what was touched, and of all fleets' proxies. */
  readonly told: readonly Diagnostic[];
  readonly found: () => Steps<readonly Diagnostic[]>;
  readonly admitted: readonly Diagnostic[];
  readonly locate: Locate;
}

/** Remembers the model that it saw last: of one that differs little, little is looked at. No two looks at once. */
export interface Judge {
  /** Throws the Problem that refuses the write. */
  readonly judge: (head: Head, settled: Settled) => Steps<Judged>;
  /**
   * The same for a write that was judged on another head when it comes to build on `head` instead, and `settled` is what it would
   * change there: judges what differs. Null: the whole has to be judged, as something is wrong or too much has changed.
   */
  readonly judgeAgain: (judged: Judged, head: Head, settled: Settled) => Steps<Judged | null>;
}

/** Resources that others may change between the verdict on a large write and its turn: looked at in the turn, some 10 ms. */
export const MAX_BETWEEN = 256;

/** A judge that has seen no model yet. */
export function createJudge({ publisher, scale }: { readonly publisher: Publisher; readonly scale: Scale }): Judge {
  const check = createChecker();
  const admit = publisher.createAdmitter();

  function* judge(head: Head, { changes: planned, locate, told }: Settled): Steps<Judged> {
    const { changes, ...effect } = yield* effective(head.snapshot, planned);
    const snapshot = changes.length === 0 ? head.snapshot : applyChanges(head.snapshot, changes);
    // After errors of one kind the others, which take the longer, are not looked for.
    yield;
    const tooLarge = yield* scale.judge(head.snapshot, snapshot, changes);
    if (tooLarge.some(isError)) refuse([...told, ...tooLarge], locate);
    const found = yield* check(snapshot, changes);
    if (found.some(isError)) refuse([...told, ...found], locate, yield* inUse(snapshot, changes));
    const { diagnostics: admitted } = yield* admit(snapshot, head.snapshot);
    refuse([...told, ...admitted], locate);
    return { changes, ...effect, snapshot, told, found: () => done(found), admitted, locate };
  }

  const judgeAgain: Judge["judgeAgain"] = function* (judged, head, { changes: planned, locate, told }) {
    const { changes, ...effect } = yield* effective(head.snapshot, planned);
    const news = yield* diffSnapshotsSteps(judged.snapshot, applyChanges(head.snapshot, changes));
    if (news.length > MAX_BETWEEN || told.some(isError)) return null;
    // Built on what was judged: of what is the same here and there the memories know the one that they have seen.
    const snapshot = news.length === 0 ? judged.snapshot : applyChanges(judged.snapshot, news);
    yield;
    // The first finds the figures at the cost of what is new, the second compares them with the head's.
    yield* scale.judge(judged.snapshot, snapshot, news);
    const tooLarge = yield* scale.judge(head.snapshot, snapshot, changes);
    const broken = yield* check(snapshot, news);
    if ([...tooLarge, ...broken].some(isError)) return null;
    const { diagnostics: admitted } = yield* admit(snapshot, head.snapshot);
    if (admitted.some(isError)) return null;
    // A warning may come or go by what the resource does not name, as another listener: they are looked for anew, after the turn.
    const found = (): Steps<readonly Diagnostic[]> => warningsOf(snapshot, changes);
    return { changes, ...effect, snapshot, told, found, admitted, locate };
  };

  return { judge, judgeAgain };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

/** A write of more owners is a rare thing: the log names no more of them. */
const MAX_TOLD_OWNERS = 10;

function* effective(base: Snapshot, planned: readonly Change[]): Steps<Pick<Judged, "changes" | "changed" | "owners">> {
  const changes: Change[] = [];
  const changed: Judged["changed"][number][] = [];
  const owners = new Set<string>();
  for (const [index, change] of planned.entries()) {
    const word = effectOf(base, change);
    if (shouldYield(index)) yield;
    if (word === null) continue;
    changes.push(change);
    changed.push({ resource: `${collectionOf(change.kind)}/${change.name}`, change: word });
    for (const owner of ownersOf(base, change)) if (owners.size < MAX_TOLD_OWNERS) owners.add(owner);
  }
  return { changes, changed, owners };
}

/** Before and after. */
function ownersOf(snapshot: Snapshot, { kind, name, resource }: Change): string[] {
  const before = (snapshot[kind] as ReadonlyMap<string, Resource>).get(name);
  return [ownerOf(before), ownerOf(resource ?? undefined)].filter((owner) => owner !== undefined);
}
