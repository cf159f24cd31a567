/** Groups and their streams: who is let in, who is told of a change, and what is known of each node. */
import { accept, statusOf } from "./accept.ts";
import { createPool } from "./budgets.ts";
import { createGrpcTransport } from "./grpc.ts";
import { CLIENT_BYTES, RESPONSE_BYTES, SLICE_MS } from "./limits.ts";
import { countEnd, createMetrics } from "./metrics.ts";
import { createPayloadCache } from "./payload.ts";
import { createPlaces } from "./places.ts";
import { pump } from "./push.ts";
import type { EndReason } from "./reasons.ts";
import { CLUSTER, LEGACY_WILDCARD_TYPES } from "./resourceTypes.ts";
import { addGroup, endStream, GOING_DOWN, type Room, unknownGroup } from "./room.ts";
import type { Context, Group, Stream } from "./state.ts";
import { nodeStatuses } from "./status.ts";
import { type Clock, systemClock, type Transport } from "./transport.ts";
import type { NackEvent, RefusalReader, XdsServer, XdsView } from "./types.ts";
import { diffFrom, EMPTY_VIEW, isVersionOf, NO_RESOURCES, nextView } from "./view.ts";
import { noteRecent } from "./warming.ts";

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
  /** Default: gRPC. */
  readonly transport?: Transport;
}

/** Makes a server; it serves after `listen`. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  const onError = options.onError ?? console.error;
  const clock = options.clock ?? systemClock;
  const context: Context = {
    clock,
    wake: createFanOut(clock),
    inquiries: new WeakMap(),
    metrics: createMetrics(),
    payloads: createPayloadCache(options.identifier),
    onNack: options.onNack ?? (() => {}),
    readRefusal: options.readRefusal ?? (() => "final"),
    legacyWildcard: options.legacyWildcard ?? ((typeUrl) => LEGACY_WILDCARD_TYPES.has(typeUrl)),
    readsErrors: options.readsErrors ?? (() => true),
    memory: createPool(CLIENT_BYTES),
    onDefect(stream, error) {
      onError(error);
      if (stream.ended) return;
      context.metrics.refusedStreams += 1;
      countEnd(context.metrics, "defect");
      endStream(stream, statusOf(error));
    },
  };
  const refused = (reason: EndReason): void => countEnd(context.metrics, reason);
  const transport = options.transport ?? createGrpcTransport({ refused, onError });
  const room: Room = {
    context,
    groups: new Map(),
    streams: new Set(),
    places: createPlaces(context.memory, createPool(RESPONSE_BYTES)),
    groupOf: options.groupOf ?? ((node) => node.cluster),
    serveUnknown: options.unknownGroups === "empty",
    // Where identities say who may pull what, nobody hears of others until the same rules are asked here.
    mayRead: () => !("authenticates" in transport && transport.authenticates === true),
    onError,
    closing: false,
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
    deleteGroup(name) {
      const group = room.groups.get(name);
      if (room.serveUnknown && group !== undefined && group.streams.size > 0) {
        group.declared = false;
        replaceView(group, new Map(), { now: context.clock.monotonic() });
        context.wake(group.streams);
        return;
      }
      room.groups.delete(name);
      for (const stream of [...(group?.streams ?? [])]) {
        context.metrics.refusedStreams += 1;
        countEnd(context.metrics, "fleet");
        endStream(stream, unknownGroup(name));
      }
    },
    nodes: (name) => {
      const group = name === undefined ? undefined : room.groups.get(name);
      return nodeStatuses(name === undefined ? room.groups.values() : group === undefined ? [] : [group]);
    },
    metrics() {
      context.metrics.clientBytes = context.memory.used;
      return context.metrics;
    },
    listen: (address) => transport.listen(address, (method, connection) => accept(room, method, connection)),
    async close() {
      room.closing = true;
      // The port first: a client whose stream ends must not find it open and come back.
      const closed = transport.close();
      for (const end of room.streams) end(GOING_DOWN);
      await closed;
    },
  };
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

/** Pumps many streams in slices, so that requests and pings are served in between. Starts in the same turn of the event loop. */
function createFanOut(clock: Clock): (streams: Iterable<Stream>) => void {
  const waiting = new Set<Stream>();
  let running = false;
  function drain(): void {
    const until = clock.monotonic() + SLICE_MS;
    for (const stream of waiting) {
      waiting.delete(stream);
      pump(stream);
      if (clock.monotonic() < until) continue;
      setImmediate(drain);
      return;
    }
    running = false;
  }
  return (streams) => {
    for (const stream of streams) waiting.add(stream);
    if (running || waiting.size === 0) return;
    running = true;
    queueMicrotask(drain);
  };
}
