import { join } from "node:path";
import { withPathGroups } from "../../compiler/index.ts";
import type { FleetIr, ProxyKind } from "../../ir/index.ts";
import { targets } from "../../targets/registry.ts";
import { loadModel } from "../offline.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";
import { type Tree, writeTree } from "../writeTree.ts";

/** `trimtab render [--target T] -o DIR FILE`: every file fleet's files into `DIR/<fleet>/`; nothing when one cannot be made. */
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
  const trees = wanted.map(renderFleet);
  const fleets = [];
  for (const { fleet, tree } of trees) {
    const folder = join(options.out, fleet);
    await writeTree(folder, tree);
    fleets.push({ fleet, folder, generation: tree.generation, files: tree.files.length });
  }
  if (options.json) io.out(jsonText({ ok: true, fleets, problems }));
  else
    for (const { fleet, folder, generation, files } of fleets)
      io.out(`${fleet}: ${files} files in ${folder}, generation ${generation}\n`);
  return EXIT.ok;
}

function renderFleet(ir: FleetIr): { readonly fleet: string; readonly tree: Tree } {
  const target = targets[ir.proxy];
  const rendered = target.render(target.needsPathGroups ? withPathGroups(ir) : ir);
  if (rendered.kind !== "files") throw new Error(`target ${ir.proxy} gave no files`);
  return { fleet: ir.name, tree: rendered };
}
