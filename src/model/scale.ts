/**
 * Whether a model may be as large as it is, known before anything of that size is made: the products of hostnames, rules, matches,
 * listeners and fleets. What a change adds costs what changed; the figures of a model are remembered as long as the model is.
 */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { type Bounds, boundsFor, DEFAULT_MEMORY } from "./bounds.ts";
import {
  FIGURE_WORDS,
  type Figure,
  type Figures,
  type FiguresMemory,
  figuresAfter,
  figuresOf,
  figuresOfOne,
  type Look,
  ownOf,
} from "./figures.ts";
import { type Fitting, fitting } from "./fitting.ts";
import { collectionOf, kinds } from "./kinds.ts";
import { ownVerdict } from "./ownVerdicts.ts";
import { referencesOf } from "./references.ts";
import type { Change, Resource, Snapshot } from "./types.ts";

/** Contributors that a refusal names. */
const MAX_NAMED = 3;

export interface Scale {
  readonly bounds: Bounds;
  /** Which bounds the model breaks that its base did not break more: a model that is over them already can be made smaller. */
  readonly judge: (base: Snapshot, snapshot: Snapshot, changes: readonly Change[]) => Steps<Diagnostic[]>;
  /** Analyses what a write brings, before its turn: in its turn that is known. Gives why the write alone is too large. */
  readonly prepare: (resources: readonly Resource[]) => Steps<Diagnostic[]>;
  /**
   * The model itself when it may be compiled; else without its largest fleets. Admitted models fit: this is for those that were
   * stored by an older program or under larger bounds.
   */
  readonly fitting: (snapshot: Snapshot) => Steps<Fitting>;
}

/** What is remembered is dropped with the models that it is of. */
interface Memory extends FiguresMemory {
  readonly bounds: Bounds;
  readonly fitting: WeakMap<Snapshot, Fitting>;
}

/** A scale with its own memory. */
export function createScale(bounds: Bounds = boundsFor(DEFAULT_MEMORY)): Scale {
  const memory: Memory = { bounds, figures: new WeakMap(), own: new WeakMap(), fitting: new WeakMap() };
  return {
    bounds,
    judge: (base, snapshot, changes) => judge({ base, snapshot, changes }, memory),
    prepare: (resources) => prepare(resources, memory),
    *fitting(snapshot) {
      const found = memory.fitting.get(snapshot) ?? (yield* fitting(snapshot, memory));
      memory.fitting.set(snapshot, found);
      return found;
    },
  };
}

function* judge(look: Look, memory: Memory): Steps<Diagnostic[]> {
  const { base, snapshot } = look;
  const { bounds } = memory;
  const before = yield* figuresOf(base, memory);
  const after = memory.figures.get(snapshot) ?? (yield* figuresAfter(look, before, memory));
  memory.figures.set(snapshot, after);
  const found: Diagnostic[] = [];
  for (const figure of Object.keys(after) as Figure[]) {
    if (after[figure] <= bounds[figure] || after[figure] <= before[figure]) continue;
    found.push(yield* tooLarge(figure, { figures: after, limit: bounds[figure], snapshot }, memory));
  }
  return found;
}

function* prepare(resources: readonly Resource[], memory: Memory): Steps<Diagnostic[]> {
  const { bounds } = memory;
  let work = 0;
  for (const [index, resource] of resources.entries()) {
    const own = memory.own.get(resource) ?? (yield* ownOf(resource, memory));
    work += own.regexWork;
    // Kept for the write's turn.
    referencesOf(resource);
    if (work > bounds.regexWork) {
      const { kind, name } = resource;
      const message = `${FIGURE_WORDS.regexWork}: over ${bounds.regexWork}, the most that is possible, up to this route`;
      return [{ code: "MODEL-TOO-LARGE", severity: "error", resource: { kind, name }, pointer: "", message }];
    }
    yield* ownVerdict(resource);
    if (shouldYield(index)) yield;
  }
  return [];
}

/** The refusal, at the resource that has most of it. */
function* tooLarge(
  figure: Figure,
  { figures, limit, snapshot }: { readonly figures: Figures; readonly limit: number; readonly snapshot: Snapshot },
  memory: Memory,
): Steps<Diagnostic> {
  const largest: { readonly resource: Resource; readonly share: number }[] = [];
  let index = 0;
  for (const kind of kinds) {
    for (const resource of snapshot[kind].values()) {
      if (shouldYield(index++)) yield;
      const share = (yield* figuresOfOne(resource, snapshot, memory))[figure];
      if (largest.length === MAX_NAMED && share <= (largest.at(-1)?.share ?? 0)) continue;
      largest.push({ resource, share });
      largest.sort((a, b) => b.share - a.share).splice(MAX_NAMED);
    }
  }
  const named = largest.filter(({ share }) => share > 0);
  const shares = named.map(({ resource, share }) => `${collectionOf(resource.kind)}/${resource.name} (${share})`);
  const { kind, name } = (named[0] as (typeof named)[number]).resource;
  const message = `${FIGURE_WORDS[figure]}: ${figures[figure]}, and at most ${limit} are possible; most come of ${shares.join(", ")}`;
  return { code: "MODEL-TOO-LARGE", severity: "error", resource: { kind, name }, pointer: "", message };
}
