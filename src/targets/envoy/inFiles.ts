/** A rendering as files of JSON: for people who read it, for diffs, for an Envoy without a control plane. */
import type { Rendered, RenderedFile } from "../target.ts";
import { inlineBootstrap } from "./inline.ts";
import { bootstrapJson, resourceJson } from "./json.ts";
import { typeUrls } from "./types.ts";

/** By type: a file in the form that Envoy reads from a path (`path_config_source`). */
const FILES = {
  "clusters.json": typeUrls.cluster,
  "endpoints.json": typeUrls.assignment,
  "listeners.json": typeUrls.listener,
  "routes.json": typeUrls.routes,
} as const;

/**
 * `envoy.json`: all in one static bootstrap, which `envoy -c` runs and `envoy --mode validate -c` checks; and for each type of
 * resource what Envoys of the fleet get by xDS. Protobuf's canonical JSON; equal renderings give equal bytes.
 */
export async function inFiles(rendered: Rendered, fleet: string): Promise<readonly RenderedFile[]> {
  if (rendered.kind !== "resources") throw new Error("the Envoy target renders resources");
  const { resources } = rendered;
  const bootstrap = bootstrapJson(await inlineBootstrap(rendered, null, { node: fleet, writesFiles: true }));
  const files = [fileOf("envoy.json", bootstrap)];
  for (const [path, typeUrl] of Object.entries(FILES)) {
    const all = [...(resources.get(typeUrl)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    const list = all.map((resource) => ({ "@type": typeUrl, ...resourceJson(resource) }));
    files.push(fileOf(path, { resources: list }));
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function fileOf(path: string, value: object): RenderedFile {
  return { path, text: `${JSON.stringify(value, null, 2)}\n`, mode: 0o644 };
}
