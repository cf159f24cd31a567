import { type Compiled, createCompiler } from "../compiler/index.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import { type Bounds, createScale, type Scale, type Snapshot } from "../model/index.ts";
import { createGate } from "../targets/gate.ts";
import type { Targets } from "../targets/registry.ts";
import type { Renderer, Target } from "../targets/target.ts";
import type { Steps } from "../util/steps.ts";
import { combined, type OutputKind, type Rendering, type RenderingPart } from "./rendering.ts";
import { createWeigher, type Weigher, type Weight } from "./weight.ts";

/** See the contract in index.ts. */
export interface Pipeline {
  readonly bounds: Bounds;
  /**
   * Builds on `base`, a model that was compiled here before (default: the last one): what did not change stays the same object.
   * That only saves work, so compilations may be under way side by side. A model is compiled once. It has passed the model's
   * rules. Fleets that make it too large to be compiled are missing in the result: `leftOut` says why.
   */
  readonly compile: (snapshot: Snapshot, base?: Snapshot) => Steps<Compiled>;
  /** By name of a fleet that `compile` leaves out of this snapshot: why. Nothing, of a model that was admitted under these bounds. */
  readonly leftOut: (snapshot: Snapshot) => Steps<ReadonlyMap<string, string>>;
  /** What it takes to render the fleet, estimated. */
  readonly weigh: (ir: FleetIr) => Steps<Weight>;
  /** What most of that comes of. */
  readonly heaviest: Weigher["heaviest"];
  /** What the fleet's proxies refuse (errors) or approximate (warnings). */
  readonly gate: Gate;
  /** Another gate, which remembers its own last looks: it may look at a model while `gate` looks at another one. */
  readonly createGate: () => Gate;
  /** Whether a target of the fleet gives output of this kind. */
  readonly gives: (ir: Pick<FleetIr, "proxy">, kind: OutputKind) => boolean;
  /** What the fleet's targets give of this kind. Throws when none does, or two give the same file. */
  readonly render: <Kind extends OutputKind>(ir: FleetIr, kind: Kind) => Steps<Rendering<Kind>>;
}

/** Looks at a fleet. Its looks must not overlap. */
export type Gate = (ir: FleetIr) => Steps<Diagnostic[]>;

/** A pipeline that has seen no model yet. */
export function createPipeline({ targetsOf }: Pick<Targets, "targetsOf">, scale: Scale = createScale()): Pipeline {
  const compiler = createCompiler();
  /** Dropped with the models that they are of. */
  const results = new WeakMap<Snapshot, Compiled>();
  /** Of those that were compiled without a base. */
  let latest: Compiled | null = null;
  const renderers = new Map<Target, Renderer>();
  const weigher = createWeigher();

  function* compile(snapshot: Snapshot, base?: Snapshot): Steps<Compiled> {
    const known = results.get(snapshot);
    if (known !== undefined) return known;
    const fitting = yield* scale.fitting(snapshot);
    const previous = base === undefined ? latest : (results.get(base) ?? null);
    const compiled = yield* compiler.compileSteps(fitting.snapshot, previous);
    results.set(snapshot, compiled);
    if (base === undefined) latest = compiled;
    return compiled;
  }

  function* leftOut(snapshot: Snapshot): Steps<ReadonlyMap<string, string>> {
    return (yield* scale.fitting(snapshot)).leftOut;
  }

  function weigh(ir: FleetIr): Steps<Weight> {
    return weigher.weigh(ir, targetsOf(ir), scale.bounds.lookups);
  }

  function rendererOf(target: Target): Renderer {
    const renderer = renderers.get(target) ?? target.createRenderer();
    renderers.set(target, renderer);
    return renderer;
  }

  function ownGate(): Gate {
    const look = createGate();
    return function* (ir) {
      const found: Diagnostic[] = [];
      for (const target of targetsOf(ir)) {
        for (const diagnostic of yield* look(ir, target)) found.push(diagnostic);
      }
      return found;
    };
  }

  function* render<Kind extends OutputKind>(ir: FleetIr, kind: Kind): Steps<Rendering<Kind>> {
    const wanted = targetsOf(ir).filter(({ output }) => output === kind);
    const grouped = wanted.some(({ needsPathGroups }) => needsPathGroups)
      ? yield* compiler.withPathGroupsSteps(ir)
      : ir;
    const parts: RenderingPart[] = [];
    for (const target of wanted) {
      const rendered = yield* rendererOf(target).render(target.needsPathGroups ? grouped : ir);
      parts.push({ target, rendered });
    }
    return yield* combined(kind, parts);
  }

  const gives: Pipeline["gives"] = (ir, kind) => targetsOf(ir).some(({ output }) => output === kind);
  const { heaviest } = weigher;
  const gate = ownGate();
  return { bounds: scale.bounds, compile, leftOut, weigh, heaviest, gate, createGate: ownGate, gives, render };
}
