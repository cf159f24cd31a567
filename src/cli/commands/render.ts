import { join } from "node:path";
import { withPathGroups } from "../../compiler/index.ts";
import type { FleetIr, ProxyKind } from "../../ir/index.ts";
import type { Target } from "../../targets/target.ts";
import { finish } from "../../util/steps.ts";
import { loadTargets } from "../loadTargets.ts";
import { loadModel } from "../offline.ts";
import { counted, EXIT, type Io, jsonText, printProblems } from "../output.ts";
import { type RemovedFleet, removeGoneFleets } from "../removeGoneFleets.ts";
import { type Tree, writeTree } from "../writeTree.ts";

/**
 * `trimtab render [--target T] -o DIR FILE`: every file fleet's files into `DIR/<fleet>/`; nothing when one cannot be made.
 * What an earlier rendering wrote for a fleet that the model no longer has is removed.
 */
export async function render(
  io: Io,
  options: {
    readonly file: string;
    readonly out: string;
    readonly target: ProxyKind | undefined;
    readonly json: boolean;
  },
): Promise<number> {
  if (options.target === "envoy") {
    throw new Error(
      "Envoy has no files to render: it pulls by xDS. `trimtab bootstrap --fleet F` prints what it needs to start.",
    );
  }
  const { compiled, problems } = await loadModel(options.file);
  if (compiled === null) return printProblems(io, problems, options.json);
  const wanted = [...compiled.fleets.values()].filter(
    ({ proxy }) => proxy !== "envoy" && (options.target ?? proxy) === proxy,
  );
  if (!options.json) printProblems(io, problems, false);
  if (wanted.length === 0) throw new Error(`${options.file} has no ${options.target ?? "nginx or haproxy"} fleet`);
  const targets = await loadTargets(wanted.map(({ proxy }) => proxy));
  const trees = wanted.map((ir) => renderFleet(ir, targets.get(ir.proxy) as Target));
  const fleets = [];
  for (const tree of trees) {
    const folder = join(options.out, tree.fleet);
    await writeTree(folder, tree);
    fleets.push({ fleet: tree.fleet, folder, generation: tree.generation, files: tree.files.length });
  }
  const known = [...compiled.fleets.values()].filter(({ proxy }) => proxy !== "envoy").map(({ name }) => name);
  const removed = await removeGoneFleets(options.out, { known: new Set(known), target: options.target });
  if (options.json) io.out(jsonText({ ok: true, fleets, removed, problems }));
  else {
    for (const { fleet, folder, generation, files } of fleets)
      io.out(`${fleet}: ${counted(files, "file")} in ${folder}, generation ${generation}\n`);
    for (const gone of removed) io.out(goneText(gone));
  }
  return EXIT.ok;
}

function goneText({ fleet, folder, files, folderRemoved }: RemovedFleet): string {
  const rest = folderRemoved ? "" : "; what is not ours stays there";
  return `${fleet}: not in the model, ${counted(files.length, "file")} removed from ${folder}${rest}\n`;
}

function renderFleet(ir: FleetIr, target: Target): Tree {
  const rendered = finish(target.render(target.needsPathGroups ? withPathGroups(ir) : ir));
  if (rendered.kind !== "files") throw new Error(`target ${ir.proxy} gave no files`);
  return { fleet: ir.name, proxy: ir.proxy, generation: rendered.generation, files: rendered.files };
}
