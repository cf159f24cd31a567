/**
 * A fleet's resources. What did not change keeps its object: resources by IR node, and the map of a type when all of its
 * resources are the same as last time.
 */
import type { HttpFilter } from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { AccessLogIr, ClusterIr, FleetIr, HttpPortIr, TcpPortIr, TlsPortIr, TlsRoutesIr } from "../../ir/index.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { trustedAuthorities } from "../clientAuthentication.ts";
import { limitedByTcp } from "../clusterLimits.ts";
import type { RenderedResource, RenderedResources, Renderer } from "../target.ts";
import { type LoggedPort, type PassedConnections, tcpListener, tlsListener } from "./byteListener.ts";
import { renderCluster } from "./cluster/index.ts";
import { authoritySecret } from "./cluster/tls.ts";
import { createGeoFilters } from "./geo.ts";
import { memoByKeys, routeKeysOf } from "./hashPolicy.ts";
import { type QuicSocket, quicListener } from "./http3.ts";
import { type HttpSocket, httpListener } from "./listener.ts";
import { memoByFields, memoByIdentity } from "./memo.ts";
import { createRouteTables } from "./routeConfiguration.ts";
import { socketsKey } from "./sockets.ts";
import { certificateSecret } from "./tls.ts";
import { typeUrls } from "./types.ts";
import { udpListener } from "./udp.ts";

/** Last renderings kept for comparison; a process with more fleets only loses the identity of unchanged maps. */
const MAX_REMEMBERED_FLEETS = 256;

type TypeMap = ReadonlyMap<string, RenderedResource>;

/** Renders a fleet's clusters and their endpoints. */
type ClusterMaps = (
  ir: FleetIr,
  last: RenderedResources["resources"] | undefined,
) => Steps<{ readonly clusters: TypeMap; readonly assignments: TypeMap }>;

/** `Renderer` of the contract, for resources. */
interface ResourceRenderer extends Renderer {
  readonly render: (ir: FleetIr) => Steps<RenderedResources>;
}

/** A renderer of all resources of a fleet, by type: clusters, their endpoints, listeners, route tables, certificates and authorities. */
export function createRenderer(): ResourceRenderer {
  const lastByFleet = new Map<string, RenderedResources>();
  const renderClusters = createClusterMaps();
  const routeTables = memoByKeys(createRouteTables);
  const geoFilters = createGeoFilters();
  const ofHttp = memoByIdentity((filters: readonly HttpFilter[]) =>
    memoByFields((socket: HttpSocket) => httpListener(socket, filters)),
  );
  const ofQuic = memoByIdentity((filters: readonly HttpFilter[]) =>
    memoByFields((socket: QuicSocket) => quicListener(socket, filters)),
  );
  const ofTcp = createByteListeners(tcpListener);
  const ofTls = createByteListeners(tlsListener);
  const ofUdp = memoByIdentity(udpListener);
  const ofCertificate = memoByIdentity(certificateSecret);
  const ofAuthority = memoByIdentity(authoritySecret);
  return {
    *render(ir) {
      const last = lastByFleet.get(ir.name)?.resources;
      const { clusters, assignments } = yield* renderClusters(ir, last);
      const log = { accessLog: ir.accessLog === null ? "" : JSON.stringify(ir.accessLog) };
      const isLogged = (ir.accessLog?.requestFields.length ?? 0) > 0;
      const renderRouteTable = routeTables(routeKeysOf(ir.clusters));
      const sockets = socketsKey(ir.process.sockets);
      const listeners: RenderedResource[] = [];
      const routes: RenderedResource[] = [];
      for (const port of ir.ports) {
        if (port.kind === "tcp") {
          listeners.push(ofTcp(port, ir.accessLog, sockets));
          continue;
        }
        if (port.kind === "tls") {
          listeners.push(ofTls(port, ir.accessLog, sockets));
          continue;
        }
        if (port.kind === "udp") {
          listeners.push(ofUdp(port));
          continue;
        }
        const { resources: tables, looks } = yield* renderRouteTable(port, isLogged);
        routes.push(...tables);
        const { id, address, clientTimeouts, http2 } = port;
        const tls = port.tls === null ? "" : JSON.stringify(port.tls);
        const passed = port.passed === null ? "" : passedText(port, port.passed, ir.accessLog);
        const proxyProtocol = port.proxyProtocol === null ? "" : JSON.stringify(port.proxyProtocol);
        const maxConnections = port.connectionLimit.max ?? 0;
        const { headersMs, keepAliveMs } = clientTimeouts;
        // Without a log no name of the model's stands in a Listener.
        const listener = isLogged ? (port.listeners[0] ?? id) : "";
        const filters = yield* geoFilters(port.geoTables);
        const socket: HttpSocket = {
          ...{ id, address, port: port.port, listener },
          ...looks,
          ...{ headersMs, keepAliveMs, maxConnections, http2, proxyProtocol, sockets, tls, passed },
          ...log,
        };
        listeners.push(ofHttp(filters)(socket));
        const quic = port.http3 === null ? null : ofQuic(filters)({ ...socket, quicId: port.http3.id });
        if (quic !== null) listeners.push(quic);
      }
      const secrets = [
        ...(yield* mapSteps(ir.certificates, ofCertificate)),
        ...(yield* mapSteps(trustedAuthorities(ir), ofAuthority)),
      ];
      const rendered: RenderedResources = {
        kind: "resources",
        resources: new Map([
          [typeUrls.cluster, clusters],
          [typeUrls.assignment, assignments],
          [typeUrls.listener, typeMap(listeners, last?.get(typeUrls.listener))],
          [typeUrls.routes, typeMap(routes, last?.get(typeUrls.routes))],
          ...secretMap(secrets, last),
        ]),
      };
      remember(lastByFleet, ir.name, rendered);
      return rendered;
    },
  };
}

function passedText(
  { listeners }: HttpPortIr,
  { routes, refused }: TlsRoutesIr,
  accessLog: AccessLogIr | null,
): string {
  const own: PassedConnections = { routes, refused, listeners, accessLog };
  return JSON.stringify(own);
}

/** The type is there where it is used. */
function secretMap(
  secrets: readonly RenderedResource[],
  last: RenderedResources["resources"] | undefined,
): readonly (readonly [string, TypeMap])[] {
  const before = last?.get(typeUrls.secret);
  return secrets.length === 0 && before === undefined ? [] : [[typeUrls.secret, typeMap(secrets, before)]];
}

/** Listeners that pass bytes, known by their port and the fleet's log. */
function createByteListeners<P extends TcpPortIr | TlsPortIr>(
  render: (of: LoggedPort<P>) => RenderedResource,
): (port: P, accessLog: AccessLogIr | null, sockets: string) => RenderedResource {
  const known = new WeakMap<P, Omit<LoggedPort<P>, "port"> & { readonly made: RenderedResource }>();
  return (port, accessLog, sockets) => {
    const old = known.get(port);
    if (old?.accessLog === accessLog && old.sockets === sockets) return old.made;
    const made = render({ port, accessLog, sockets });
    known.set(port, { accessLog, sockets, made });
    return made;
  };
}

function createClusterMaps(): ClusterMaps {
  const memos = memoByFields(({ sockets }: { readonly sockets: string }) => ({
    ofHttp: memoByIdentity((cluster: ClusterIr) => renderCluster(cluster, { reach: "http", sockets })),
    ofTcp: memoByIdentity((cluster: ClusterIr) => renderCluster(cluster, { reach: "tcp", sockets })),
  }));
  const known = new WeakMap<readonly ClusterIr[], KnownClusters>();
  return function* renderClusters(ir, last) {
    const { clusters: list } = ir;
    const limited = limitedByTcp(ir);
    const sockets = socketsKey(ir.process.sockets);
    const key = [sockets, ...[...limited.keys()].sort()].join(" ");
    const found = known.get(list);
    if (found?.key === key) return found;
    const { ofHttp, ofTcp } = memos({ sockets });
    const rendered = yield* mapSteps(list, (cluster) => (limited.has(cluster.name) ? ofTcp : ofHttp)(cluster));
    const clusters = rendered.map(({ cluster }) => cluster);
    const assignments = rendered.map(({ assignment }) => assignment);
    const maps = {
      key,
      clusters: typeMap(clusters, last?.get(typeUrls.cluster)),
      assignments: typeMap(assignments, last?.get(typeUrls.assignment)),
    };
    known.set(list, maps);
    return maps;
  };
}

interface KnownClusters {
  /** Options of sockets, and names of clusters with limits that TCP ports reach. */
  readonly key: string;
  readonly clusters: TypeMap;
  readonly assignments: TypeMap;
}

/** By name. A resource with the version that it had keeps its object; `last` itself when nothing differs. */
function typeMap(resources: readonly RenderedResource[], last: TypeMap | undefined): TypeMap {
  let same = resources.length === last?.size;
  const next = new Map<string, RenderedResource>();
  for (const resource of resources) {
    const before = last?.get(resource.name);
    const kept = before?.version === resource.version ? before : resource;
    next.set(resource.name, kept);
    same &&= kept === before;
  }
  return same && last !== undefined ? last : next;
}

/** The oldest is forgotten when there are too many. */
function remember(lastByFleet: Map<string, RenderedResources>, fleet: string, rendered: RenderedResources): void {
  lastByFleet.delete(fleet);
  lastByFleet.set(fleet, rendered);
  const [oldest] = lastByFleet.keys();
  if (lastByFleet.size > MAX_REMEMBERED_FLEETS && oldest !== undefined) lastByFleet.delete(oldest);
}
