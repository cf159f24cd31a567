import { join } from "node:path";
import { Option } from "commander";
import type { FleetIr, ProxyKind } from "../../ir/index.ts";
import type { Pipeline } from "../../pipeline/index.ts";
import { type OpenSecret, openedFiles } from "../../secrets/index.ts";
import { generationOf } from "../../targets/generation.ts";
import { loadTargets, PROXY_KINDS } from "../../targets/registry.ts";
import { didYouMean } from "../../util/didYouMean.ts";
import { makeDirectory } from "../../util/makeDirectory.ts";
import { finish } from "../../util/steps.ts";
import type { Declaration } from "../command.ts";
import type { Obstacle } from "../obstacles.ts";
import { counted, EXIT, type Io, jsonText } from "../output.ts";
import { notWritten } from "../readText.ts";
import type { GoneOptions, RemovedFleet } from "../removeGoneFleets.ts";
import { type Report, type ReportFlags, report, reportOf, verdictOf, withReport } from "../report.ts";
import { fleetNames, folderName } from "../values.ts";
import type { Tree } from "../writeTree.ts";

interface RenderFlags extends ReportFlags {
  readonly out: string;
  readonly target?: ProxyKind;
  readonly fleet?: readonly string[];
  readonly force?: boolean;
}

/**
 * `trimtab render [--target T] -o DIR PATHS`: every file fleet's files into `DIR/<fleet>/`; nothing when one cannot be made, or
 * when something stands in the way that no rendering wrote. What an earlier rendering wrote for a fleet that the model no
 * longer has is removed.
 */
export const render: Declaration = (program, { io, done }) => {
  withReport(program.command("render <paths...>"))
    .description(
      "write nginx and HAProxy files into DIR/<fleet>/, and remove those of fleets that are gone; fleets that pull are written as JSON when they are asked for",
    )
    .addOption(new Option("--target <proxy>", "only fleets of this proxy").choices(PROXY_KINDS))
    .option("--fleet <name>", "only this fleet; repeat for more", fleetNames)
    .requiredOption("-o, --out <dir>", "folder to write to", folderName)
    .option("--force", "also replace files that render did not write, or that were changed since it did")
    .action((paths: readonly string[], flags: RenderFlags) =>
      done(run(io, paths, { ...flags, how: reportOf(flags, program) })),
    );
};

async function run(
  io: Io,
  paths: readonly string[],
  { out, target, fleet, force = false, how }: RenderFlags & { readonly how: Report },
): Promise<number> {
  const json = how.format === "json";
  const { loadModel } = await import("../offline.ts");
  const { title, compiled, problems, open } = await loadModel(paths);
  const verdict = verdictOf(problems, how);
  if (compiled === null || verdict !== EXIT.ok || !json) await report(io, { problems }, how);
  if (compiled === null || verdict !== EXIT.ok) return verdict;
  const { pipeline } = compiled;
  const all = [...compiled.fleets.values()];
  const asked = fleet === undefined ? all : fleet.map((name) => fleetOf(compiled.fleets, name));
  // What pulls needs no files; it is written for whoever asks for it.
  const filed = asked.filter((ir) => pipeline.gives(ir, "files") || target !== undefined || fleet !== undefined);
  const wanted = filed.filter(({ proxy }) => (target ?? proxy) === proxy);
  if (wanted.length === 0) {
    const hint = all.length > 0 && target === undefined ? "; --fleet and --target write fleets that pull as JSON" : "";
    throw new Error(`${title} has no ${target ?? (await fileProxies()).join(" or ")} fleet${hint}`);
  }
  const trees = await Promise.all(wanted.map((ir) => treeOf(ir, pipeline, open)));
  const { lockFolder } = await import("../../util/folderLock.ts");
  try {
    makeDirectory(out);
  } catch (error) {
    throw notWritten(out, error);
  }
  const release = await lockFolder(
    out,
    "render",
    `another \`trimtab render\` is writing to ${out}: run it again when that one is done`,
  );
  try {
    const inTheWay = await obstaclesIn(out, trees, force);
    if (inTheWay.length > 0) return printObstacles(io, inTheWay, json);
    const known = new Map(all.map(({ name, proxy }) => [name, proxy]));
    // Whoever asks for some fleets says nothing of the others.
    const written = await writeAll(out, trees, fleet === undefined ? { known, target, force } : null);
    if (json) io.out(jsonText({ ok: true, ...written, problems }));
    else if (how.format === "text") printWritten(io, written);
    return EXIT.ok;
  } finally {
    await release();
  }
}

/** Of all fleets, before any is written. */
async function obstaclesIn(out: string, trees: readonly Tree[], force: boolean): Promise<readonly Obstacle[]> {
  const { obstaclesOf } = await import("../obstacles.ts");
  const found: Obstacle[] = [];
  for (const tree of trees) found.push(...(await obstaclesOf(join(out, tree.fleet), tree)));
  return found.filter(({ canForce }) => !(force && canForce));
}

/** More than this of one kind says nothing new. */
const MAX_TOLD_OBSTACLES = 20;

function printObstacles(io: Io, obstacles: readonly Obstacle[], json: boolean): number {
  const remedy = obstacles.every(({ canForce }) => canForce)
    ? "move them away, or replace them with --force"
    : "move them away";
  const error = `nothing was written: ${counted(obstacles.length, "thing")} in the way; ${remedy}`;
  if (json) io.out(jsonText({ ok: false, error, inTheWay: obstacles }));
  else {
    for (const { path, reason } of obstacles.slice(0, MAX_TOLD_OBSTACLES)) io.err(`${path} ${reason}\n`);
    io.err(`trimtab: ${error}\n`);
  }
  return EXIT.failed;
}

interface Written {
  readonly fleets: readonly {
    readonly fleet: string;
    readonly folder: string;
    readonly generation: string;
    readonly files: number;
  }[];
  readonly removed: readonly RemovedFleet[];
}

async function writeAll(out: string, trees: readonly Tree[], gone: GoneOptions | null): Promise<Written> {
  const [{ writeTree }, { removeGoneFleets }] = await Promise.all([
    import("../writeTree.ts"),
    import("../removeGoneFleets.ts"),
  ]);
  const fleets = [];
  for (const tree of trees) {
    const folder = join(out, tree.fleet);
    await writeTree(folder, tree);
    fleets.push({ fleet: tree.fleet, folder, generation: tree.generation, files: tree.files.length });
  }
  return { fleets, removed: gone === null ? [] : await removeGoneFleets(out, gone) };
}

function printWritten(io: Io, { fleets, removed }: Written): void {
  for (const { fleet, folder, generation, files } of fleets)
    io.out(`${fleet}: ${counted(files, "file")} in ${folder}, generation ${generation}\n`);
  for (const gone of removed) io.out(goneText(gone));
}

function fleetOf(fleets: ReadonlyMap<string, FleetIr>, name: string): FleetIr {
  const ir = fleets.get(name);
  if (ir === undefined)
    throw new Error(`there is no fleet named ${JSON.stringify(name)}${didYouMean(name, fleets.keys())}`);
  return ir;
}

async function fileProxies(): Promise<readonly ProxyKind[]> {
  const { get } = await loadTargets();
  return PROXY_KINDS.filter((proxy) => get(proxy).output === "files");
}

function goneText({ fleet, folder, files, folderRemoved }: RemovedFleet): string {
  const rest = folderRemoved ? "" : "; what is not ours stays there";
  return `${fleet}: not in the model, ${counted(files.length, "file")} removed from ${folder}${rest}\n`;
}

/** With secrets in their place: this is what is written. */
async function treeOf(ir: FleetIr, pipeline: Pipeline, open: OpenSecret): Promise<Tree> {
  const { name: fleet, proxy } = ir;
  if (pipeline.gives(ir, "files")) {
    const { generation, files } = finish(pipeline.render(ir, "files")).whole;
    return { fleet, proxy, generation, files: openedFiles(files, open) };
  }
  const { parts } = finish(pipeline.render(ir, "resources"));
  const files = (
    await Promise.all(parts.map(({ target, rendered }) => target.inFiles?.(rendered, fleet) ?? []))
  ).flat();
  return { fleet, proxy, generation: finish(generationOf(files)), files: openedFiles(files, open) };
}
