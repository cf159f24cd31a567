/** From views to files: one template per section, in the order of a configuration. */
import { createHash } from "node:crypto";
import type { ClusterIr, FleetIr } from "../../ir/index.ts";
import { hashSteps } from "../../util/hash.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { loadTemplates, type TemplateSet, templateFolder } from "../../util/templates.ts";
import type { RenderedFile, RenderedFiles, Version } from "../target.ts";
import { type ClusterBackends, lowerBackends, type RespondView } from "./backends.ts";
import type { ConditionsView } from "./conditionsView.ts";
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
export function* render(ir: FleetIr): Steps<RenderedFiles> {
  const view = yield* lower(ir);
  const texts = new Map([[CONFIG_FILE, yield* renderConfig(view)], ...view.files]);
  const files = [...texts].map(([path, text]) => ({ path, text, mode: FILE_MODE }));
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  yield;
  return { kind: "files", files, generation: yield* generationOf(files) };
}

function* renderConfig(view: FleetView): Steps<string> {
  templates ??= loadTemplates({ folder: templateFolder("haproxy"), places: PLACES });
  const { render: section } = templates;
  yield;
  const parts = [
    section("global", {
      bufferBytes: number(BUFFER_BYTES),
      rewriteBytes: number(REWRITE_BYTES),
      maxHeaders: number(MAX_HEADERS),
      idleTimeout: time(DEFAULT_IDLE_MS),
    }),
  ];
  for (const port of view.httpPorts) parts.push(yield* httpSections(port, section));
  parts.push(...(yield* mapSteps(view.tcpPorts, (port) => section("tcpFrontend", port))));
  if (view.noPort !== null) parts.push(section("noPort", view.noPort));
  parts.push(...(yield* mapSteps(view.clusters, (cluster) => backendText(cluster, view.version, section))));
  if (view.respond !== null) parts.push(yield* respondText(view.respond, section));
  yield;
  return parts.join("");
}

type Section = TemplateSet["render"];

function* httpSections(port: HttpPortView, section: Section): Steps<string> {
  const { frontend, conditions, fallback, actions } = port;
  const parts = [section("frontend", frontend)];
  yield;
  if (conditions !== null) {
    parts.push(yield* inPieces(conditions.acls, (acls) => section("acls", { acls })));
    const choose = yield* conditionsText(conditions, section);
    parts.push(choose);
    if (fallback !== null) parts.push(section("fallback", fallback), choose);
  }
  parts.push(section("actions", actions));
  yield;
  return parts.join("");
}

/** Each group that has to choose may add a candidate, so they are many where tables and their dimensions are few. */
function* conditionsText({ table, candidates }: ConditionsView, section: Section): Steps<string> {
  const first = section("conditions", { table, candidates: [] });
  return first + (yield* inPieces(candidates, (piece) => section("conditions", { table: null, candidates: piece })));
}

function* respondText({ name, answers }: RespondView, section: Section): Steps<string> {
  return section("respond", { name }) + (yield* inPieces(answers, (piece) => section("answers", { answers: piece })));
}

/** Entries of a list that are rendered between two yields. */
const ENTRIES_IN_PIECE = 64;

/** The text of a template that loops over a list and does nothing else. */
function* inPieces<T>(list: readonly T[], text: (piece: readonly T[]) => string): Steps<string> {
  let all = "";
  for (let start = 0; start < list.length; start += ENTRIES_IN_PIECE) {
    all += text(list.slice(start, start + ENTRIES_IN_PIECE));
    yield;
  }
  return all;
}

/** Text of a cluster's backends, with what else it depends on. */
const backendTexts = new WeakMap<ClusterIr, { readonly key: string; readonly text: string }>();

function backendText(cluster: ClusterBackends, version: Version, section: Section): string {
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
function* generationOf(files: readonly RenderedFile[]): Steps<string> {
  const hash = createHash("sha256");
  for (const { path, text } of files) {
    hash.update(`${path.length}:${path}${text.length}:`);
    yield* hashSteps(hash, text);
  }
  return hash.digest("hex").slice(0, 16);
}
