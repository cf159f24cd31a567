/** Groups and their streams: who is let in, who is told of a change, and what is known of each node. */
import { answerStatus, createStatusCall, StatusRefused } from "./csds.ts";
import { BadRequest, type RequestNode } from "./decode.ts";
import { createDoor, type Door, OPEN_DOOR } from "./door.ts";
import { createFanOut } from "./fanOut.ts";
import { createGrpcTransport } from "./grpc.ts";
import { createHistory } from "./history.ts";
import { FIRST_REQUEST_MS, MAX_STREAMS } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { createPayloadCache } from "./payload.ts";
import { createRefusals, type RefusalEvent } from "./refusals.ts";
import { CLUSTER, type DiscoveryMethod, LEGACY_WILDCARD_TYPES, REMEMBERED_TYPES } from "./resourceTypes.ts";
import type { Context, Group, Stream } from "./state.ts";
import { nodeStatuses } from "./status.ts";
import { decodeRequest, handleRequest, openStream, type Request } from "./stream.ts";
import type { TlsFiles, TlsFilesEvent } from "./tlsFiles.ts";
import {
  type Clock,
  type Connection,
  type ConnectionHandler,
  type EndStatus,
  STATUS,
  systemClock,
  type Transport,
} from "./transport.ts";
import type { NackEvent, RefusalReader, XdsServer, XdsView } from "./types.ts";
import { diffFrom, EMPTY_VIEW, isVersionOf, NO_RESOURCES, nextView } from "./view.ts";
import { noteInterrupted, noteRecent } from "./warming.ts";

export interface XdsServerOptions {
  /** `control_plane.identifier` of every response: the instance and its build, as `trimtab/0.1.0 host-1`. */
  readonly identifier: string;
  /** A node refused a response. Called while its request is handled: must be quick and must not throw. */
  readonly onNack?: (event: NackEvent) => void;
  /** Reads what a refusal means: the proxy's texts are none of this room's business. Default: every refusal is final. */
  readonly readRefusal?: RefusalReader;
  /** A defect of ours ended a stream. Default: printed to stderr. */
  readonly onError?: (error: unknown) => void;
  /** Types whose first, empty subscription is a wildcard. Default: listeners, clusters, scoped routes. */
  readonly legacyWildcard?: (typeUrl: string) => boolean;
  /** The group of a node. Default: its `cluster`. */
  readonly groupOf?: (node: { readonly id: string; readonly cluster: string }) => string;
  /** Nodes of groups that are not there: refused with NOT_FOUND (default), or served nothing until the group is set. */
  readonly unknownGroups?: "refuse" | "empty";
  /**
   * Whether a state-of-the-world node is told at once, in `resource_errors`, of names that are not there. No client feature says who
   * reads them; others skip the field. Default: all are.
   */
  readonly readsErrors?: (userAgent: string) => boolean;
  readonly clock?: Clock;
  /** Clients must show a certificate, and `setAccess` says who may pull what. Default: plaintext, on loopback only. */
  readonly tls?: TlsFiles | undefined;
  /** Plaintext also where other machines can reach it: whoever does may pull everything. */
  readonly insecure?: boolean | undefined;
  /** A client was turned away for what it showed of itself. Must be quick and must not throw. */
  readonly onRefused?: (event: RefusalEvent) => void;
  /** New certificate files are in use, or are no good. */
  readonly onTlsFiles?: (event: TlsFilesEvent) => void;
  /** Default: gRPC, secured as `tls` and `insecure` say. */
  readonly transport?: Transport;
}

/** What lives as long as one server. */
interface Room {
  readonly context: Context;
  readonly groups: Map<string, Group>;
  readonly connections: Set<Connection>;
  readonly groupOf: (node: RequestNode) => string;
  readonly serveUnknown: boolean;
  readonly door: Door;
  readonly onError: (error: unknown) => void;
}

/** Makes a server; it serves after `listen`. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  const clock = options.clock ?? systemClock;
  const refusals = createRefusals(clock, options.onRefused ?? (() => {}));
  const metrics = createMetrics(refusals.counts);
  const context: Context = {
    clock,
    metrics,
    payloads: createPayloadCache(options.identifier),
    onNack: options.onNack ?? (() => {}),
    readRefusal: options.readRefusal ?? (() => "final"),
    legacyWildcard: options.legacyWildcard ?? ((typeUrl) => LEGACY_WILDCARD_TYPES.has(typeUrl)),
    readsErrors: options.readsErrors ?? (() => true),
    wake: createFanOut(options.clock ?? systemClock),
  };
  const transport = options.transport ?? createGrpcTransport({ ...options, clock, metrics, onRefused: refusals.note });
  const room: Room = {
    context,
    groups: new Map(),
    connections: new Set(),
    groupOf: options.groupOf ?? ((node) => node.cluster),
    serveUnknown: options.unknownGroups === "empty",
    door: transport.authenticates ? createDoor(refusals.note) : OPEN_DOOR,
    onError: options.onError ?? console.error,
  };
  return {
    setView(name, view, tag) {
      const { revision, versions } = typeof tag === "number" ? { revision: tag, versions: undefined } : tag;
      const group = room.groups.get(name) ?? addGroup(room, name);
      group.declared = true;
      replaceView(group, view, { versions, now: context.clock.monotonic() });
      group.revision = revision;
      context.wake(group.streams);
    },
    setAccess: (name, rules) => changeAccess(room, name, rules),
    deleteGroup(name) {
      const group = room.groups.get(name);
      room.door.setAccess(name, null);
      if (room.serveUnknown && group !== undefined && group.streams.size > 0) {
        group.declared = false;
        replaceView(group, new Map(), { now: context.clock.monotonic() });
        context.wake(group.streams);
        return;
      }
      room.groups.delete(name);
      for (const stream of [...(group?.streams ?? [])]) {
        context.metrics.refusedStreams += 1;
        endStream(stream, unknownGroup(name));
      }
    },
    nodes: (name) => {
      const group = name === undefined ? undefined : room.groups.get(name);
      return nodeStatuses(name === undefined ? room.groups.values() : group === undefined ? [] : [group]);
    },
    metrics: () => context.metrics,
    listen: (address) => transport.listen(address, (method, connection) => accept(room, method, connection)),
    async close() {
      for (const connection of room.connections) {
        connection.end({ code: STATUS.UNAVAILABLE, message: "the server is shutting down" });
      }
      await transport.close();
    },
  };
}

function addGroup(room: Room, name: string): Group {
  const history = new Map(Array.from(REMEMBERED_TYPES, (typeUrl) => [typeUrl, createHistory()]));
  const streams = { streams: new Set<Stream>(), onDemand: new Set<Stream>(), interrupted: new Map() };
  const group: Group = { name, revision: 0, types: new Map(), history, recent: [], declared: false, ...streams };
  room.groups.set(name, group);
  return group;
}

/** Open streams are judged again at once: nothing goes to a node after the rules have forbidden it. */
function changeAccess(room: Room, name: string, rules: readonly string[] | null): void {
  if (!room.door.setAccess(name, rules)) return;
  for (const stream of [...(room.groups.get(name)?.streams ?? [])]) {
    const denied = room.door.denial({ group: name, nodeId: stream.node.id, peer: stream.connection.peer });
    if (denied === null) continue;
    room.context.metrics.refusedStreams += 1;
    endStream(stream, denied);
  }
}

function replaceView(
  group: Group,
  view: XdsView,
  { versions, now }: { versions?: ReadonlyMap<string, string> | undefined; now: number },
): void {
  for (const typeUrl of new Set([...group.types.keys(), ...view.keys(), ...(versions?.keys() ?? [])])) {
    const previous = group.types.get(typeUrl) ?? EMPTY_VIEW;
    const next = nextView(previous, view.get(typeUrl) ?? NO_RESOURCES, versions?.get(typeUrl));
    group.types.set(typeUrl, next);
    if (next === previous) continue;
    const history = group.history.get(typeUrl);
    if (isVersionOf(next, next.version)) history?.note(next.version, next.resources);
    else history?.forget(next.version);
    if (typeUrl !== CLUSTER || previous === EMPTY_VIEW) continue;
    const { changed } = diffFrom(next, previous.resources);
    noteRecent(
      group,
      changed.filter((name) => !previous.resources.has(name)),
      now,
    );
  }
}

function unknownGroup(name: string): EndStatus {
  const shown = JSON.stringify(name);
  const message = `there is no fleet ${shown} (the node's cluster names its fleet); the node keeps its configuration`;
  return { code: STATUS.NOT_FOUND, message };
}

function endStream(stream: Stream, status?: EndStatus): void {
  if (stream.ended) return;
  stream.ended = true;
  stream.cancelWake();
  noteInterrupted(stream);
  stream.group.streams.delete(stream);
  stream.group.onDemand.delete(stream);
  stream.connection.end(status);
}

/** Serves one stream from its opening on. */
function accept(room: Room, method: DiscoveryMethod, connection: Connection): ConnectionHandler {
  const { metrics, clock } = room.context;
  let stream: Stream | null = null;
  let ended = false;
  const status = method.status === undefined ? null : createStatusCall(method.status, connection, () => end());

  function end(status?: EndStatus): void {
    if (ended) return;
    ended = true;
    cancelDeadline();
    if (status !== undefined) metrics.refusedStreams += 1;
    if (stream === null) connection.end(status);
    else endStream(stream, status);
    if (stream?.group.declared === false && stream.group.streams.size === 0) room.groups.delete(stream.group.name);
  }
  const silent = `no request came in ${FIRST_REQUEST_MS / 1000} seconds`;
  const cancelDeadline = clock.after(FIRST_REQUEST_MS, () => end({ code: STATUS.INVALID_ARGUMENT, message: silent }));
  room.connections.add(connection);
  metrics.openStreams += 1;
  metrics.streams += 1;
  if (metrics.openStreams > MAX_STREAMS) {
    end({ code: STATUS.RESOURCE_EXHAUSTED, message: `this server serves ${MAX_STREAMS} streams at most` });
  }
  return {
    onMessage(message) {
      if (ended || stream?.ended) return;
      metrics.requests += 1;
      try {
        if (status !== null) {
          cancelDeadline();
          status.ask(
            answerStatus(message, {
              groups: room.groups.values(),
              mayRead: (group) => room.door.mayPull(group, connection.peer),
            }),
          );
          return;
        }
        const request = decodeRequest(message, method.delta, stream?.subs.values() ?? []);
        if (stream === null) {
          stream = admit(room, request, { method, connection, end });
          cancelDeadline();
        }
        if (stream !== null) handleRequest(stream, request);
      } catch (error) {
        if (!(error instanceof BadRequest || error instanceof StatusRefused)) room.onError(error);
        end(statusOf(error));
      }
    },
    onHalfClose: () => (status === null ? end() : status.finish()),
    onClose() {
      end();
      room.connections.delete(connection);
      metrics.openStreams -= 1;
    },
  };
}

function statusOf(error: unknown): EndStatus {
  if (error instanceof StatusRefused) return { code: error.code, message: error.message };
  if (error instanceof BadRequest) return { code: STATUS.INVALID_ARGUMENT, message: error.message };
  return { code: STATUS.INTERNAL, message: "internal error" };
}

/** Reads who the node is; null: it was sent away. */
function admit(
  room: Room,
  request: Request,
  opening: { method: DiscoveryMethod; connection: Connection; end: (status: EndStatus) => void },
): Stream | null {
  const { method, connection, end } = opening;
  const node: RequestNode | null = request.node;
  if (node === null || node.id === "") throw new BadRequest("the first request of a stream needs a node with an id");
  const name = room.groupOf(node);
  const group = room.groups.get(name) ?? (room.serveUnknown ? addGroup(room, name) : undefined);
  if (group === undefined) {
    end(unknownGroup(name));
    return null;
  }
  const denied = room.door.denial({ group: name, nodeId: node.id, peer: connection.peer });
  if (denied !== null) {
    end(denied);
    return null;
  }
  const stream = openStream(room.context, { method, connection, group, node });
  group.streams.add(stream);
  return stream;
}
