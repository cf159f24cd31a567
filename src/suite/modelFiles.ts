/** From a document to what every fleet gets: the path that golden and property tests share. */
import type { Compiled } from "../compiler/index.ts";
import { withPathGroups } from "../compiler/testCompiler.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import { leafPaths } from "../gen/leafPaths.ts";
import type { FleetIr, LeafPath, ProxyKind } from "../ir/index.ts";
import { applyChanges, changeTo, checkSnapshot, emptySnapshot, validateConfig } from "../model/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { createMemoryKeeper, openedFiles, type Sealing, sealConfig } from "../secrets/index.ts";
import { loadTargets } from "../targets/registry.ts";
import type { CheckResult, Rendered, RenderedResource, Support } from "../targets/target.ts";
import { isBefore, parseVersion } from "../targets/version.ts";
import { envoyBinary, newerBinary } from "../tooling/binaries.ts";
import { compareText } from "../util/sorted.ts";
import { finish } from "../util/steps.ts";

/** All of them. */
export const targets = await loadTargets();
/** Renders for all tests of a file: what it remembers of one model must not show in another. */
const pipeline = createPipeline(targets);

export interface Compilation {
  readonly diagnostics: readonly Diagnostic[];
  /** Null when there are errors. */
  readonly compiled: Compiled | null;
}

/** Of the secrets of all documents here: the same have the same references. */
const secrets = createMemoryKeeper();

/** The secret of a reference in what was rendered. */
export const openSecret = secrets.open;

/** The document with its secrets sealed, as every way into the program leaves it; what is wrong with them. */
export function sealDocument(document: unknown): Pick<Sealing, "document" | "found"> {
  const sealing = finish(sealConfig(document, secrets));
  secrets.keep(sealing.secrets);
  return sealing;
}

/** Seals, validates, checks, compiles and gates. */
export function compileDocument(given: unknown): Compilation {
  const { document, found: unsealed } = sealDocument(given);
  const { resources, diagnostics: misshapen } = validateConfig(document);
  const diagnostics = [...unsealed, ...misshapen];
  if (diagnostics.length > 0) return { diagnostics, compiled: null };
  const changes = resources.map(changeTo);
  const snapshot = applyChanges(emptySnapshot, changes);
  const problems = checkSnapshot(snapshot, changes);
  if (problems.some(({ severity }) => severity === "error")) return { diagnostics: problems, compiled: null };
  const pipeline = createPipeline(targets);
  const compiled = finish(pipeline.compile(snapshot));
  const found = [...compiled.fleets.values()].flatMap((ir) => finish(pipeline.gate(ir)));
  const all = [...problems, ...found].sort((a, b) => compareText(diagnosticKey(a), diagnosticKey(b)));
  return { diagnostics: all, compiled: all.some(({ severity }) => severity === "error") ? null : compiled };
}

/** What a diagnostic points at, as places are written: `route.rules[].split`. */
export function leafPathOf({ resource, pointer }: Diagnostic): string {
  return `${resource?.kind}${pointer.replaceAll(/\/\d+(?=\/|$)/g, "[]").replaceAll("/", ".")}`;
}

/** The leaf that a diagnostic of the gate points at, and what its proxy's table says of it; null: it points at none. */
export function leafOf(found: Diagnostic): { readonly leaf: LeafPath; readonly support: Support } | null {
  const leaf = leafPathOf(found);
  if (found.proxy === undefined || !isLeafPath(leaf)) return null;
  return { leaf, support: targets.get(found.proxy as ProxyKind).capabilities[leaf] };
}

function isLeafPath(path: string): path is LeafPath {
  return (leafPaths as readonly string[]).includes(path);
}

/** Renders one fleet, with its IR sent through JSON first when `boundary` is set. */
export function renderFleet(ir: FleetIr, boundary = false): Rendered {
  const target = targets.get(ir.proxy);
  if (!boundary) return finish(pipeline.render(ir, target.output)).whole;
  const ready = target.needsPathGroups ? withPathGroups(ir) : ir;
  return finish(target.createRenderer().render(JSON.parse(JSON.stringify(ready)) as FleetIr));
}

/** A rendering with its secrets opened. */
export function delivered(rendered: Rendered): Rendered {
  if (rendered.kind === "files") return { ...rendered, files: openedFiles(rendered.files, openSecret) };
  const resources = [...rendered.resources].map(([typeUrl, byName]) => [typeUrl, mapOpened(byName)] as const);
  return { ...rendered, resources: new Map(resources) };
}

function mapOpened(resources: ReadonlyMap<string, RenderedResource>): ReadonlyMap<string, RenderedResource> {
  const opened = ({ opened: make, ...resource }: RenderedResource): RenderedResource =>
    make === undefined ? resource : { ...resource, bytes: make(openSecret) };
  return new Map([...resources].map(([name, resource]) => [name, opened(resource)]));
}

/** All bytes of a rendering as text, for comparing. */
export function renderedText(rendered: Rendered): string {
  if (rendered.kind === "files")
    return rendered.files.map(({ path, text, mode }) => `--- ${path} ${mode.toString(8)}\n${text}`).join("");
  const lines: string[] = [];
  for (const [typeUrl, resources] of rendered.resources) {
    for (const { name, version, bytes } of resources.values())
      lines.push(`${typeUrl} ${name} ${version} ${Buffer.from(bytes).toString("hex")}\n`);
  }
  return lines.sort().join("");
}

/** The verdict of the real proxy's checker, on what is delivered. `ir`: for whom; what is for a newer version is checked by a newer one. */
export function checkRendered(ir: Pick<FleetIr, "proxy" | "version">, rendered: Rendered): Promise<CheckResult> {
  const target = targets.get(ir.proxy);
  const isNewer = ir.version !== null && isBefore(target.defaultVersion, parseVersion(ir.version));
  const files = isNewer ? { binary: newerBinary(ir.proxy) } : {};
  return target.check(delivered(rendered), ir.proxy === "envoy" ? { binary: envoyBinary() } : files);
}
