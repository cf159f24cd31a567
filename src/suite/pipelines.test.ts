/**
 * Two pipelines in one process know nothing of each other: fed alternately, step by step, with different models of the same fleet
 * names, they give the bytes that each gives alone, in a process (here: a set of modules) of its own.
 */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { diagnosticKey } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import { applyChanges, changeTo, checkSnapshot, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { createPipeline, type Pipeline } from "../pipeline/index.ts";
import { loadTargets, type Targets } from "../targets/registry.ts";
import type { Rendered, Target } from "../targets/target.ts";
import { compareText } from "../util/sorted.ts";
import { finish, type Steps } from "../util/steps.ts";
import { arbitraryModel } from "./arbitraryModel.ts";
import { renderedText } from "./modelFiles.ts";

const MODELS = 24;
const SEED = Number(process.env.TRIMTAB_SEED ?? 8);
const TIMEOUT_MS = 5 * 60 * 1000;

/** Valid models that have the same fleets' names, in two rows. */
function rows(): [Snapshot[], Snapshot[]] {
  const snapshots = fc.sample(arbitraryModel, { numRuns: MODELS, seed: SEED }).flatMap((document) => {
    const { resources, diagnostics } = validateConfig(document);
    if (diagnostics.length > 0) return [];
    const changes = resources.map(changeTo);
    const snapshot = applyChanges(emptySnapshot, changes);
    return checkSnapshot(snapshot, changes).some(({ severity }) => severity === "error") ? [] : [snapshot];
  });
  return [snapshots.filter((_, index) => index % 2 === 0), snapshots.filter((_, index) => index % 2 === 1)];
}

/** All that a pipeline says of models, one after the other; each rests where its work may. */
function* allOf({ compile, gate, render, gives }: Pipeline, snapshots: readonly Snapshot[]): Steps<string[]> {
  const texts: string[] = [];
  for (const snapshot of snapshots) {
    const { fleets } = yield* compile(snapshot);
    for (const ir of fleets.values()) {
      const found = (yield* gate(ir)).sort((a, b) => compareText(diagnosticKey(a), diagnosticKey(b)));
      texts.push(JSON.stringify([ir, found]));
      if (found.some(({ severity }) => severity === "error")) continue;
      const kind = gives(ir, "files") ? "files" : "resources";
      texts.push(renderedText((yield* render(ir, kind)).whole));
    }
  }
  return texts;
}

/** Runs both, a step of one after a step of the other. */
function alternately<T>(first: Steps<T>, second: Steps<T>): [T, T] {
  const results: T[] = [];
  for (const work = [first, second]; work.length > 0; ) {
    const steps = work.shift() as Steps<T>;
    const step = steps.next();
    if (step.done) results[steps === first ? 0 : 1] = step.value;
    else work.push(steps);
  }
  return results as [T, T];
}

async function alone(snapshots: readonly Snapshot[]): Promise<string[]> {
  vi.resetModules();
  const { createPipeline: create } = await import("../pipeline/index.ts");
  const { loadTargets: load } = await import("../targets/registry.ts");
  return finish(allOf(create(await load()), snapshots));
}

test("two pipelines alternately give the same bytes as each alone", { timeout: TIMEOUT_MS }, async () => {
  const [first, second] = rows();
  expect(Math.min(first.length, second.length)).toBeGreaterThan(MODELS / 4);
  const targets = await loadTargets();
  const both = alternately(allOf(createPipeline(targets), first), allOf(createPipeline(targets), second));
  expect(both[0].length).toBeGreaterThan(first.length * 3);
  expect(both[0]).toEqual(await alone(first));
  expect(both[1]).toEqual(await alone(second));
});

/** Targets with a memory that all pipelines share: of a fleet's name, by which nothing may be remembered. */
function leaky({ get, targetsOf }: Targets): Targets {
  const last = new Map<string, Rendered>();
  const wrap = (target: Target): Target => ({
    ...target,
    createRenderer: () => ({
      *render(ir: FleetIr) {
        const own = yield* target.createRenderer().render(ir);
        // Looked at afterwards: of two that render side by side one is later.
        const known = last.get(ir.name) ?? own;
        last.set(ir.name, known);
        return known;
      },
    }),
  });
  return { get: (proxy) => wrap(get(proxy)), targetsOf: (fleet) => targetsOf(fleet).map(wrap) };
}

test("the comparison sees a memory that two pipelines share", { timeout: TIMEOUT_MS }, async () => {
  const [first, second] = rows().map((row) => row.slice(0, 1)) as [Snapshot[], Snapshot[]];
  const leaking = leaky(await loadTargets());
  const both = alternately(allOf(createPipeline(leaking), first), allOf(createPipeline(leaking), second));
  expect([both[0], both[1]]).not.toEqual([await alone(first), await alone(second)]);
});
