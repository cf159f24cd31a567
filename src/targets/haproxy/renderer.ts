/** From a fleet to its files; what was written for nodes that did not change is kept. */
import type { ClusterIr, FleetIr, PortIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { loadTemplates, type TemplateSet, templateFolder } from "../../util/templates.ts";
import { generationOf } from "../generation.ts";
import type { RenderedFiles, Renderer, Version } from "../target.ts";
import { type ClusterBackends, clusterBackends, DEFAULT_CONNECT_MS, lowerBackends } from "./backends.ts";
import { type ClusterChanges, changesText, createChangesReader } from "./changes.ts";
import { createListenerWriter } from "./listener.ts";
import { CONFIG_FILE, listenerFile, NO_PORT_FRONTEND } from "./names.ts";
import { DEFAULT_IDLE_MS } from "./policies/timeouts.ts";
import { name, number, PLACES, time } from "./quote.ts";
import { requestsView } from "./requests.ts";
import { distinctRules } from "./rules.ts";
import { lowerTcpPort } from "./tcpPort.ts";
import { fleetVersion } from "./version.ts";

/** Room for the largest header block and for any body of `respond`: Envoy's 60 KiB of headers plus what we add to them. */
export const BUFFER_BYTES = 65_536;
/** The part of a buffer kept for our own header changes: 32 of them with values of 1 KiB hardly occur at once. */
export const REWRITE_BYTES = 4_096;
/** Header fields of a message: as many as Envoy is told to take. */
const MAX_HEADERS = 1000;
/** No secret is in the rendering. */
const FILE_MODE = 0o644;

/** The same for all renderers: loaded once, when the first is made. */
let templates: TemplateSet | null = null;

type Section = TemplateSet["render"];

/** Text by path. */
type Files = Map<string, string>;

/** A renderer with a memory of its own. Equal IR gives equal bytes. */
export function createRenderer(): Renderer {
  templates ??= loadTemplates({ folder: templateFolder("haproxy"), places: PLACES });
  const { render: section } = templates;
  const listeners = createListenerWriter();
  const clusters = createClusterWriter(section);
  return {
    *render(ir): Steps<RenderedFiles> {
      const found: Files = new Map();
      for (const port of ir.ports) {
        const own = port.kind === "http" ? yield* listeners(port, section) : tcpFiles(port, section);
        for (const [path, text] of own) found.set(path, text);
        yield;
      }
      found.set(CONFIG_FILE, commonText(ir, section) + (yield* clusters(ir, found)));
      const files = [...found].map(([path, text]) => ({ path, text, mode: FILE_MODE }));
      files.sort((a, b) => (a.path < b.path ? -1 : 1));
      yield;
      const generation = yield* generationOf(files);
      return { kind: "files", files, generation, sockets: ir.ports.map(socketOf) };
    },
  };
}

function socketOf({ address, port, listeners }: PortIr) {
  return { address, port, listeners };
}

function tcpFiles(port: Extract<PortIr, { kind: "tcp" }>, section: Section): ReadonlyMap<string, string> {
  const { view, maps } = lowerTcpPort(port);
  return new Map([...maps, [listenerFile(view.name.text), section("tcpFrontend", view)]]);
}

/** Everything but the clusters: the parts that the fleet's kinds of ports need. */
function commonText({ ports, name: fleet }: FleetIr, section: Section): string {
  const limits = { bufferBytes: number(BUFFER_BYTES), rewriteBytes: number(REWRITE_BYTES) };
  const times = { idleTimeout: time(DEFAULT_IDLE_MS), connectTimeout: time(DEFAULT_CONNECT_MS) };
  const parts = [section("global", { ...limits, maxHeaders: number(MAX_HEADERS) })];
  const hasTcp = ports.some(({ kind }) => kind === "tcp");
  if (ports.some(({ kind }) => kind === "http")) parts.push(section("http", { ...times, ...requestsView() }));
  if (hasTcp || ports.length === 0) parts.push(section("tcp", times));
  if (ports.length === 0) parts.push(section("noPort", { name: name(NO_PORT_FRONTEND), fleet: name(fleet) }));
  return parts.join("");
}

/** A cluster's text, with what else it depends on. */
interface KnownCluster {
  readonly key: string;
  readonly parts: readonly ClusterChanges[];
  readonly text: string;
  readonly files: ReadonlyMap<string, string>;
}

const NONE: readonly ClusterChanges[] = [];

/** Gives the text of all clusters, and adds their files. */
function createClusterWriter(section: Section) {
  const changes = createChangesReader();
  const known = new WeakMap<ClusterIr, KnownCluster>();
  return function* write(ir: FleetIr, files: Files): Steps<string> {
    const hosts = ir.ports.flatMap((port) => (port.kind === "http" ? port.virtualHosts : []));
    const byCluster = yield* changes(yield* distinctRules(hosts));
    const version = fleetVersion(ir);
    const texts: string[] = [];
    for (const [index, cluster] of clusterBackends(ir).entries()) {
      const parts = byCluster.get(cluster.cluster.name) ?? NONE;
      const key = `${version.join(".")} ${cluster.backends.map(({ name: backend }) => backend).join(" ")}`;
      let own = known.get(cluster.cluster);
      if (own === undefined || own.key !== key || !isSameList(own.parts, parts)) {
        own = { key, parts, ...clusterText({ cluster, parts, version }, section) };
        known.set(cluster.cluster, own);
      }
      texts.push(own.text);
      for (const [path, text] of own.files) files.set(path, text);
      if (shouldYield(index)) yield;
    }
    return texts.join("");
  };
}

interface ClusterInput {
  readonly cluster: ClusterBackends;
  readonly parts: readonly ClusterChanges[];
  readonly version: Version;
}

function clusterText(
  { cluster, parts, version }: ClusterInput,
  section: Section,
): Pick<KnownCluster, "text" | "files"> {
  const changes =
    parts.length === 0 ? { text: "", files: new Map() } : changesText(cluster.cluster.name, parts, section);
  const texts = lowerBackends(cluster, version).map((view) => {
    return section("backend", view) + (view.http ? changes.text : "") + section("servers", view);
  });
  return { text: texts.join(""), files: changes.files };
}

function isSameList<T>(before: readonly T[], after: readonly T[]): boolean {
  return before.length === after.length && before.every((item, index) => item === after[index]);
}
