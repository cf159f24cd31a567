/** From a fleet to its files; what was written for nodes that did not change is kept. */
import {
  type AccessLogIr,
  type ClusterIr,
  CONNECT_TRIES,
  type FleetIr,
  type PortIr,
  RESENT_METHODS,
  type RuleIr,
  tlsRoutesOf,
} from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { loadTemplates, type TemplateSet, templateFolder } from "../../util/templates.ts";
import { trustedAuthorities } from "../clientAuthentication.ts";
import { generationOf } from "../generation.ts";
import { createGeoFiles } from "../geoFiles.ts";
import { namedPort } from "../namedPort.ts";
import type { RenderedFile, RenderedFiles, Renderer, Socket } from "../target.ts";
import { connectionLogText, logsCluster } from "./accessLog.ts";
import { bufferSizes } from "./bufferSizes.ts";
import { type ChangePlan, planOf } from "./changePlan.ts";
import { type ClusterChanges, createChangesReader } from "./changes.ts";
import { usualClientTimeouts } from "./clientTimeouts.ts";
import { clusterBackends, DEFAULT_CONNECT_MS } from "./cluster/backends.ts";
import { type ClusterText, clusterText } from "./cluster/clusterText.ts";
import { backendsIn, drainPlanFile } from "./cluster/drains.ts";
import { authorityFiles, clientCertificates } from "./cluster/tls.ts";
import { geoMapText } from "./geoTables.ts";
import { grpcDefaults } from "./grpc.ts";
import { fleetHttp2View } from "./http2.ts";
import { fleetHttp3View } from "./http3.ts";
import { createListenerWriter } from "./listener.ts";
import type { ApartClusters } from "./listenerContext.ts";
import { CLIENT_CERTIFICATES_FRONTEND, CONFIG_FILE, geoMap, listenerFile, NO_PORT_FRONTEND } from "./names.ts";
import { DEFAULT_IDLE_MS } from "./policies/timeouts.ts";
import { processView } from "./process.ts";
import { name, number, PLACES, time } from "./quote.ts";
import { requestsView } from "./requests.ts";
import { distinctRules } from "./rules.ts";
import { socketsView } from "./sockets.ts";
import { lowerTcpPort } from "./tcpPort.ts";
import { certificatePem } from "./tls.ts";
import { lowerTlsPort } from "./tlsPort.ts";
import { fleetVersion } from "./version.ts";

/** Header fields that a client or an endpoint may send: as many as Envoy is told to take. (HAProxy counts those that we add with them.) */
const MAX_HEADERS = 1000;
/** Fields that a rule sets or adds (32 of each), and those that every request gets. */
const ADDED_HEADERS = 64 + 16;
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
  const geoFiles = createGeoFiles(geoMap, geoMapText);
  return {
    *render(ir): Steps<RenderedFiles> {
      const found: Files = new Map();
      const rules = yield* rulesOfPorts(ir.ports);
      const [first = [], ...others] = rules.values();
      const all = others.length === 0 ? first : yield* distinctRules([first, ...others]);
      const sharded = ir.process.sockets.reusePort === true;
      const { apart, text } = yield* clusters(ir, all, found);
      for (const port of ir.ports) {
        // Refused before anything is rendered.
        if (port.kind === "udp") throw new Error(`${port.id}: HAProxy passes no UDP`);
        const own =
          port.kind === "http"
            ? yield* listeners(port, rules.get(port) ?? [], { apart, section, accessLog: ir.accessLog, sharded })
            : port.kind === "tls"
              ? lowerTlsPort(namedPort(port), { accessLog: ir.accessLog, sharded, section })
              : tcpFiles(port, { accessLog: ir.accessLog, sharded }, section);
        for (const [path, fileText] of own) found.set(path, fileText);
        yield;
      }
      for (const [path, fileText] of yield* geoFiles(ir)) found.set(path, fileText);
      found.set(CONFIG_FILE, commonText(ir, all, section) + text);
      const files: RenderedFile[] = [...found].map(([path, fileText]) => ({ path, text: fileText, mode: FILE_MODE }));
      for (const own of ir.certificates) files.push(certificatePem(own));
      for (const own of trustedAuthorities(ir)) files.push(...authorityFiles(own));
      files.sort((a, b) => (a.path < b.path ? -1 : 1));
      yield;
      const generation = yield* generationOf(files);
      return { kind: "files", files, generation, sockets: ir.ports.flatMap(socketsOf) };
    },
  };
}

function* rulesOfPorts(ports: readonly PortIr[]): Steps<ReadonlyMap<PortIr, readonly RuleIr[]>> {
  const found = new Map<PortIr, readonly RuleIr[]>();
  for (const port of ports) {
    if (port.kind === "http") found.set(port, yield* distinctRules(port.virtualHosts.map((host) => host.rules)));
  }
  return found;
}

function socketsOf(ir: PortIr): readonly Socket[] {
  const { address, port, listeners, id } = ir;
  const socket = { address, port, listeners, file: listenerFile(listeners[0] ?? id) };
  return ir.kind === "http" && ir.http3 !== null ? [socket, { ...socket, transport: "udp" }] : [socket];
}

function tcpFiles(
  port: Extract<PortIr, { kind: "tcp" }>,
  { accessLog, sharded }: { readonly accessLog: AccessLogIr | null; readonly sharded: boolean },
  section: Section,
): ReadonlyMap<string, string> {
  const { view, maps } = lowerTcpPort(port);
  const text =
    section("tcpFrontend", { ...view, sharded }) +
    connectionLogText(accessLog, section, { listener: null, seen: "none" });
  return new Map([...maps, [listenerFile(view.name.text), text]]);
}

/** HAProxy counts the tries after the first. */
const tries = { retries: number(CONNECT_TRIES - 1) };

/** The defaults of backends, in `http.hbs`: `resendsOnly` are the methods that are sent again where no rule says more. */
function forwardsOf(rules: readonly RuleIr[], view: object) {
  const usual = { ...view, name: name("forward"), resendsOnly: RESENT_METHODS.map(name) };
  const resends = rules.some(({ policies }) => policies.retry !== null && policies.retry.resends !== null);
  return [
    usual,
    ...(resends ? [{ ...view, name: name("retried"), resendsOnly: null }] : []),
    ...(rules.some(isCall) ? [{ ...usual, name: name("calls") }] : []),
  ];
}

function isCall({ protocol }: RuleIr): boolean {
  return protocol === "grpc";
}

/** Everything but the clusters: the parts that the fleet's kinds of ports need. */
function commonText(ir: FleetIr, rules: readonly RuleIr[], section: Section): string {
  const { ports, name: fleet, accessLog, process } = ir;
  const { bufferBytes, rewriteBytes } = bufferSizes(rules);
  const limits = { bufferBytes: number(bufferBytes), rewriteBytes: number(rewriteBytes) };
  const sockets = socketsView(process.sockets);
  const http2 = fleetHttp2View(ir);
  const http3 = fleetHttp3View(ir);
  const times = { idleTimeout: time(DEFAULT_IDLE_MS), connectTimeout: time(DEFAULT_CONNECT_MS), ...tries, ...sockets };
  const global = {
    ...limits,
    ...processView(process),
    ...http2,
    ...http3,
    hasTls: ports.some((port) => port.kind === "tls" || (port.kind === "http" && port.tls !== null)),
    maxHeaders: number(MAX_HEADERS + ADDED_HEADERS),
  };
  const parts = [section("global", global)];
  const hasTcp = ports.some((port) => port.kind === "tcp" || tlsRoutesOf(port) !== null);
  const guardsVia = ports.some((port) => port.kind === "http" && port.via !== null);
  if (ports.some(({ kind }) => kind === "http")) {
    const tellsHttp3 = http3.http3Limits !== null;
    const uses = { logsCluster: logsCluster(accessLog), guardsVia, tellsHttp3, ...schemeOf(ports) };
    const forwards = forwardsOf(rules, { ...usualClientTimeouts, ...uses });
    parts.push(section("http", { ...times, ...usualClientTimeouts, ...requestsView(), ...http2, ...http3, forwards }));
    // Its lines belong to the last of these defaults.
    if (rules.some(isCall)) parts.push(section("grpcDefaults", grpcDefaults));
  }
  if (hasTcp || ports.length === 0) parts.push(section("tcp", times));
  parts.push(clientCertificatesText(ir, section));
  if (ports.length === 0) parts.push(section("noPort", { name: name(NO_PORT_FRONTEND), fleet: name(fleet) }));
  return parts.join("");
}

/** Certificates that clusters show; empty: none does. */
function clientCertificatesText({ clusters, ports }: FleetIr, section: Section): string {
  const certificates = clientCertificates(clusters);
  if (certificates.length === 0) return "";
  const defaults = name(ports.some(({ kind }) => kind === "http") ? "http" : "tcp");
  return section("clientCertificates", { name: name(CLIENT_CERTIFICATES_FRONTEND), defaults, certificates });
}

/** What endpoints are told of the client's connection: one word where all are alike. */
function schemeOf(ports: readonly PortIr[]) {
  const inTls = new Set(ports.flatMap((port) => (port.kind === "http" ? [port.tls !== null] : [])));
  return { scheme: name(inTls.has(true) ? "https" : "http"), isMixed: inTls.size > 1 };
}

/** A cluster's text, with what else it depends on. */
interface KnownCluster extends ClusterText {
  readonly key: string;
  readonly parts: readonly ClusterChanges[];
  readonly plan: ChangePlan;
}

interface WrittenClusters {
  readonly text: string;
  readonly apart: ApartClusters;
}

const NONE: readonly ClusterChanges[] = [];

/** Gives the text of all clusters, adds their files, and tells which rules have backends of their own. */
function createClusterWriter(section: Section) {
  const changes = createChangesReader();
  const known = new WeakMap<ClusterIr, KnownCluster>();
  return function* write(ir: FleetIr, rules: readonly RuleIr[], files: Files): Steps<WrittenClusters> {
    const byCluster = yield* changes(rules);
    const version = fleetVersion(ir);
    const texts: string[] = [];
    const drains = new Map<string, number>();
    const apart = new Map<string, ReadonlySet<string>>();
    for (const [index, cluster] of clusterBackends(ir).entries()) {
      const { cluster: node, backends } = cluster;
      const parts = byCluster.get(node.name) ?? NONE;
      const key = `${version.join(".")} ${backends.map(({ name: backend }) => backend).join(" ")}`;
      let own = known.get(node);
      if (own === undefined || own.key !== key || !isSameList(own.parts, parts)) {
        const plan = planOf(node, parts);
        own = { key, parts, plan, ...clusterText({ cluster, plan, version }, section) };
        known.set(node, own);
      }
      texts.push(own.text);
      for (const [path, text] of own.files) files.set(path, text);
      if (own.plan.apart !== null) apart.set(node.name, own.plan.apart);
      const { drainTimeoutMs } = node;
      if (drainTimeoutMs !== null) for (const backend of backendsIn(own.text)) drains.set(backend, drainTimeoutMs);
      if (shouldYield(index)) yield;
    }
    const drainPlan = drainPlanFile(drains);
    if (drainPlan !== null) files.set(...drainPlan);
    return { text: texts.join(""), apart };
  };
}

function isSameList<T>(before: readonly T[], after: readonly T[]): boolean {
  return before.length === after.length && before.every((item, index) => item === after[index]);
}
