/** A rendering as files of JSON: for people who read it, for diffs, for an Envoy without a control plane. */
import type { Rendered, RenderedFile, RenderedResource } from "../target.ts";
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
/** Not there without certificates. */
const SECRETS_FILE = "secrets.json";

const MODE = 0o644;
/** Where private keys are. */
const SECRET_MODE = 0o600;

/**
 * `envoy.json`: all in one static bootstrap, which `envoy -c` runs and `envoy --mode validate -c` checks; and for each type of
 * resource what Envoys of the fleet get by xDS. Protobuf's canonical JSON; equal renderings give equal bytes.
 */
export async function inFiles(rendered: Rendered, fleet: string): Promise<readonly RenderedFile[]> {
  if (rendered.kind !== "resources") throw new Error("the Envoy target renders resources");
  const { resources } = rendered;
  const bootstrap = bootstrapJson(await inlineBootstrap(rendered, null, { node: fleet, writesFiles: true }));
  const hasSecrets = (resources.get(typeUrls.secret)?.size ?? 0) > 0;
  const secrets = referencesOf(resources.get(typeUrls.secret));
  const sealed = secrets.length === 0 ? {} : { secrets };
  const files: RenderedFile[] = [
    { ...fileOf("envoy.json", bootstrap), mode: hasSecrets ? SECRET_MODE : MODE, ...sealed },
  ];
  const types = hasSecrets ? { ...FILES, [SECRETS_FILE]: typeUrls.secret } : FILES;
  for (const [path, typeUrl] of Object.entries(types)) {
    const all = [...(resources.get(typeUrl)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    const list = all.map((resource) => ({ "@type": typeUrl, ...resourceJson(resource) }));
    const file = fileOf(path, { resources: list });
    files.push(path === SECRETS_FILE ? { ...file, mode: SECRET_MODE, ...sealed } : file);
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Asks each for what it would open. */
function referencesOf(secrets: ReadonlyMap<string, RenderedResource> | undefined): readonly string[] {
  const found = new Set<string>();
  for (const { opened } of secrets?.values() ?? []) {
    opened?.((reference) => {
      found.add(reference);
      return "";
    });
  }
  return [...found];
}

function fileOf(path: string, value: object): RenderedFile {
  return { path, text: `${JSON.stringify(value, null, 2)}\n`, mode: MODE };
}
