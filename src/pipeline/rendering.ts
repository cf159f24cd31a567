/** What several targets give for one fleet, as one. */
import { generationOf } from "../targets/generation.ts";
import type { Effect, Rendered, RenderedFiles, Target } from "../targets/target.ts";
import { compareText } from "../util/sorted.ts";
import type { Steps } from "../util/steps.ts";

/** Files, or resources of xDS. */
export type OutputKind = Rendered["kind"];
/** Both. */
export const OUTPUT_KINDS: readonly OutputKind[] = ["files", "resources"];

/** What one target gave. */
export interface RenderingPart {
  readonly target: Target;
  readonly rendered: Rendered;
}

/** All that a fleet gets of one kind. */
export interface Rendering<Kind extends OutputKind> {
  readonly whole: Extract<Rendered, { kind: Kind }>;
  /** By target, in the order of the registry; for most fleets there is one. */
  readonly parts: readonly RenderingPart[];
}

/** The parts as one whole. Throws when there are none, when one is of another kind, or when two give the same. */
export function* combined<Kind extends OutputKind>(
  kind: Kind,
  parts: readonly RenderingPart[],
): Steps<Rendering<Kind>> {
  const all = parts.map(({ target, rendered }) => {
    if (rendered.kind !== kind) throw new Error(`target ${target.proxy} gave no ${kind}`);
    return rendered;
  });
  const [first, ...others] = all;
  if (first === undefined) throw new Error(`no target of this fleet gives ${kind}`);
  const whole = others.length === 0 ? first : yield* merged(all.filter((one) => one.kind === "files"));
  if (whole.kind !== kind) throw new Error("a fleet's resources come from one target");
  return { whole: whole as Rendering<Kind>["whole"], parts };
}

function* merged(all: readonly RenderedFiles[]): Steps<RenderedFiles> {
  const files = all.flatMap((one) => one.files).sort((a, b) => compareText(a.path, b.path));
  const twice = files.find(({ path }, index) => path === files[index + 1]?.path);
  if (twice !== undefined) throw new Error(`two targets gave the file ${twice.path}`);
  const sockets = all.flatMap((one) => one.sockets);
  return { kind: "files", files, generation: yield* generationOf(files), sockets };
}

/** From what nobody notices to what ends connections. */
const EFFECTS: readonly Effect[] = ["none", "runtime", "reload", "listenerDrain"];

/** The worst that the fleet's programs do when the one output follows the other; `before` null: they do not run yet. */
export function effectOf<Kind extends OutputKind>(before: Rendering<Kind> | null, after: Rendering<Kind>): Effect {
  const effects = after.parts.map(({ target, rendered }) => {
    const old = before?.parts.find((part) => part.target === target);
    return target.effect(old?.rendered ?? null, rendered);
  });
  const stopped = before?.parts.some(({ target }) => !after.parts.some((part) => part.target === target)) ?? false;
  const all: readonly Effect[] = stopped ? [...effects, "listenerDrain"] : effects;
  return EFFECTS.findLast((effect) => all.includes(effect)) ?? "none";
}
