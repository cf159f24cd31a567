/** In-process rows: cold compile for all three targets, one change, memory. Run as a process of its own for a clean heap. */
import type { FleetIr } from "../src/ir/index.ts";
import {
  applyChanges,
  type Change,
  createChecker,
  createScale,
  emptySnapshot,
  type Snapshot,
  validateConfig,
  validateResource,
} from "../src/model/index.ts";
import { createPipeline } from "../src/pipeline/index.ts";
import { loadTargets } from "../src/targets/registry.ts";
import { finish } from "../src/util/steps.ts";
import { benchModel, benchRoute } from "./models.ts";

const routes = Number(process.argv[2] ?? 10_000);
const shape = process.argv[3] === "hosts" ? "hosts" : "host";
const CHANGES = 50;

function timed<T>(work: () => T): { ms: number; value: T } {
  const start = performance.now();
  const value = work();
  return { ms: performance.now() - start, value };
}

const targets = await loadTargets();
// One for both, as in the server: what a model amounts to is known when it is compiled.
const scale = createScale();
const pipeline = createPipeline(targets, scale);
const check = createChecker();

function render(ir: FleetIr): void {
  finish(pipeline.render(ir, targets.get(ir.proxy).output));
}

function toChange(resource: { kind: string; name: string }): Change {
  return { kind: resource.kind, name: resource.name, resource } as Change;
}

const row: Record<string, number> = {};
const validated = timed(() => validateConfig(benchModel(routes, shape)));
const changes = validated.value.resources.map(toChange);
row.validateMs = validated.ms;
let snapshot: Snapshot = applyChanges(emptySnapshot, changes);
row.checkMs = timed(() => {
  finish(scale.judge(emptySnapshot, snapshot, changes));
  return finish(check(snapshot, changes));
}).ms;
const cold = timed(() => finish(pipeline.compile(snapshot)));
let compiled = cold.value;
row.compileMs = cold.ms;
for (const ir of compiled.fleets.values()) row[`${ir.proxy}RenderMs`] = timed(() => render(ir)).ms;
row.coldMs = ["compileMs", "envoyRenderMs", "nginxRenderMs", "haproxyRenderMs"].reduce(
  (sum, key) => sum + (row[key] ?? 0),
  0,
);

const samples: Record<string, number[]> = {
  validateOne: [],
  checkOne: [],
  compileOne: [],
  gateOne: [],
  envoyOne: [],
  nginxOne: [],
  haproxyOne: [],
};
for (let index = 0; index < CHANGES; index++) {
  const one = timed(() =>
    validateResource("route", benchRoute({ index: routes >> 1, path: `/changed/${index}`, shape })),
  );
  const change = [toChange(one.value.resource as never)];
  samples.validateOne?.push(one.ms);
  const before = snapshot;
  snapshot = applyChanges(before, change);
  const checked = timed(() => {
    finish(scale.judge(before, snapshot, change));
    return finish(check(snapshot, change));
  });
  samples.checkOne?.push(checked.ms);
  const next = timed(() => finish(pipeline.compile(snapshot)));
  compiled = next.value;
  samples.compileOne?.push(next.ms);
  samples.gateOne?.push(timed(() => [...compiled.fleets.values()].map((ir) => finish(pipeline.gate(ir)))).ms);
  for (const ir of compiled.fleets.values()) samples[`${ir.proxy}One`]?.push(timed(() => render(ir)).ms);
}
for (const [name, values] of Object.entries(samples)) {
  values.sort((a, b) => a - b);
  row[`${name}P50Ms`] = values[values.length >> 1] ?? 0;
}
row.rssMiB = process.memoryUsage().rss / 2 ** 20;
process.stdout.write(`${JSON.stringify({ routes, shape, ...row })}\n`);
