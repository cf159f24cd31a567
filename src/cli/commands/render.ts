import { join } from "node:path";
import { withPathGroups } from "../../compiler/index.ts";
import type { FleetIr, ProxyKind } from "../../ir/index.ts";
import { targets } from "../../targets/registry.ts";
import { loadModel } from "../offline.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";
import { writeTree } from "../writeTree.ts";

/** `trimtab render [--target T] -o DIR FILE`: files of every file fleet into `DIR/<fleet>/`, all or nothing per fleet. */
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
    io.err(
      "Envoy has no files to render: it pulls by xDS. `trimtab bootstrap --fleet F` prints what it needs to start.\n",
    );
    return EXIT.failed;
  }
  const { compiled, problems } = await loadModel(options.file);
  if (compiled === null) return printProblems(io, problems, options.json);
  const wanted = [...compiled.fleets.values()].filter(
    ({ proxy }) => proxy !== "envoy" && (options.target ?? proxy) === proxy,
  );
  if (!options.json) printProblems(io, problems, false);
  if (wanted.length === 0) {
    io.err(`${options.file} has no ${options.target ?? "nginx or haproxy"} fleet\n`);
    return EXIT.failed;
  }
  const written = [];
  for (const ir of wanted) written.push(await renderFleet(ir, options.out));
  if (options.json) io.out(jsonText({ ok: true, fleets: written, problems }));
  else
    for (const { fleet, folder, generation, files } of written)
      io.out(`${fleet}: ${files} files in ${folder}, generation ${generation}\n`);
  return EXIT.ok;
}

async function renderFleet(
  ir: FleetIr,
  out: string,
): Promise<{ fleet: string; folder: string; generation: string; files: number }> {
  const target = targets[ir.proxy];
  const rendered = target.render(target.needsPathGroups ? withPathGroups(ir) : ir);
  if (rendered.kind !== "files") throw new Error(`target ${ir.proxy} gave no files`);
  const folder = join(out, ir.name);
  await writeTree(folder, rendered);
  return { fleet: ir.name, folder, generation: rendered.generation, files: rendered.files.length };
}
