/** From views to files: one template per section, in the order of a configuration. */
import { createHash } from "node:crypto";
import type { ClusterIr, FleetIr } from "../../ir/index.ts";
import { loadTemplates, type TemplateSet, templateFolder } from "../../util/templates.ts";
import type { RenderedFile, RenderedFiles, Version } from "../target.ts";
import { type ClusterBackends, lowerBackends } from "./backends.ts";
import type { HttpPortView } from "./httpPort.ts";
import { type FleetView, lower } from "./lower.ts";
import { number, PLACES, time } from "./quote.ts";
import { DEFAULT_IDLE_MS } from "./rule.ts";

/** The file that HAProxy is started with; all others are named in it. */
export const CONFIG_FILE = "haproxy.cfg";

/** Room for the largest header block and for any body of `respond`: Envoy's 60 KiB of headers plus what we add to them. */
export const BUFFER_BYTES = 65_536;
/** The part of a buffer kept for our own header changes: 32 of them with values of 1 KiB hardly occur at once. */
export const REWRITE_BYTES = 4_096;
/** Header fields of a message: as many as Envoy is told to take. */
const MAX_HEADERS = 1000;
/** No secret is in the rendering. */
const FILE_MODE = 0o644;

let templates: TemplateSet | null = null;

/** The fleet's configuration. Equal IR gives equal bytes. */
export function render(ir: FleetIr): RenderedFiles {
  const view = lower(ir);
  const texts = new Map([[CONFIG_FILE, renderConfig(view)], ...view.files]);
  const files = [...texts].map(([path, text]) => ({ path, text, mode: FILE_MODE }));
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { kind: "files", files, generation: generationOf(files) };
}

function renderConfig(view: FleetView): string {
  templates ??= loadTemplates({ folder: templateFolder("haproxy"), places: PLACES });
  const { render: section } = templates;
  const parts = [
    section("global", {
      bufferBytes: number(BUFFER_BYTES),
      rewriteBytes: number(REWRITE_BYTES),
      maxHeaders: number(MAX_HEADERS),
      idleTimeout: time(DEFAULT_IDLE_MS),
    }),
  ];
  for (const port of view.httpPorts) parts.push(...httpSections(port, section));
  for (const port of view.tcpPorts) parts.push(section("tcpFrontend", port));
  for (const cluster of view.clusters) parts.push(backendText(cluster, view.version, section));
  if (view.respond !== null) parts.push(section("respond", view.respond));
  return parts.join("");
}

function httpSections(port: HttpPortView, section: TemplateSet["render"]): readonly string[] {
  const { frontend, conditions, fallback, actions } = port;
  const choose = conditions === null ? "" : section("conditions", conditions);
  return [
    section("frontend", frontend),
    conditions === null ? "" : section("acls", conditions),
    choose,
    fallback === null ? "" : section("fallback", fallback),
    fallback === null ? "" : choose,
    section("actions", actions),
  ];
}

/** Text of a cluster's backends, with what else it depends on. */
const backendTexts = new WeakMap<ClusterIr, { readonly key: string; readonly text: string }>();

function backendText(cluster: ClusterBackends, version: Version, section: TemplateSet["render"]): string {
  const key = `${version.join(".")} ${cluster.backends.map(({ name }) => name).join(" ")}`;
  const known = backendTexts.get(cluster.cluster);
  if (known?.key === key) return known.text;
  const text = lowerBackends(cluster, version)
    .map((view) => section("backend", view))
    .join("");
  backendTexts.set(cluster.cluster, { key, text });
  return text;
}

/** 16 hex digits over paths and contents, each framed by its length. */
function generationOf(files: readonly RenderedFile[]): string {
  const hash = createHash("sha256");
  for (const { path, text } of files) hash.update(`${path.length}:${path}${text.length}:`).update(text);
  return hash.digest("hex").slice(0, 16);
}
