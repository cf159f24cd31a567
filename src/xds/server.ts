/** Groups and their streams: who is let in, who is told of a change, and what is known of each node. */

import type { MutualTlsFiles, TlsFilesEvent } from "../util/tlsFiles.ts";
import { accept, changeAccess, statusOf } from "./accept.ts";
import { createPool } from "./budgets.ts";
import { createDoor, OPEN_DOOR } from "./door.ts";
import { createEchoes } from "./echoes.ts";
import { createGrpcTransport } from "./grpc.ts";
import { CLIENT_BYTES, RESPONSE_BYTES } from "./limits.ts";
import { countEnd, createMetrics } from "./metrics.ts";
import { createNameSets } from "./nameSets.ts";
import { createPayloadCache } from "./payload.ts";
import { createPlaces } from "./places.ts";
import { pump } from "./push.ts";
import type { EndReason } from "./reasons.ts";
import { createRefusals, type RefusalEvent } from "./refusals.ts";
import { CLUSTER, LEGACY_WILDCARD_TYPES } from "./resourceTypes.ts";
import { addGroup, GOING_DOWN, leave, type Room, turnAway, unknownGroup } from "./room.ts";
import type { Context, Group } from "./state.ts";
import { nodeAnswers, nodePresences, nodeStatuses } from "./status.ts";
import { type Clock, type EndStatus, systemClock, type Transport } from "./transport.ts";
import { createTurns } from "./turns.ts";
import type { NackEvent, RefusalReader, SecretsEvent, StreamEvent, XdsServer, XdsView } from "./types.ts";
import { diffFrom, EMPTY_VIEW, isVersionOf, NO_RESOURCES, nextView } from "./view.ts";
import { noteRecent } from "./warming.ts";

export interface XdsServerOptions {
  /** `control_plane.identifier` of every response: the instance and its build, as `trimtab/0.1.0 host-1`. */
  readonly identifier: string;
  /** A node refused a response. Called while its request is handled: must be quick and must not throw. */
  readonly onNack?: (event: NackEvent) => void;
  /** A stream came, went, or took a revision. As `onNack`; a node with a stream for each type is told of for each. */
  readonly onStream?: (event: StreamEvent) => void;
  /** A node is sent resources in which secrets are opened. As `onStream`. */
  readonly onSecrets?: (event: SecretsEvent) => void;
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
  /** Opens the secrets of resources, for the wire. Default: none can be had, and nodes get references. */
  readonly open?: ((reference: string) => string) | undefined;
  /** Clients must show a certificate, and `setAccess` says who may pull what. Default: plaintext, on loopback only. */
  readonly tls?: MutualTlsFiles | undefined;
  /** Plaintext also where other machines can reach it: whoever does may pull everything. */
  readonly insecure?: boolean | undefined;
  /** A client was turned away for what it showed of itself. Must be quick and must not throw. */
  readonly onRefused?: (event: RefusalEvent) => void;
  /** New certificate files are in use, or are no good. */
  readonly onTlsFiles?: (event: TlsFilesEvent) => void;
  /** Default: gRPC, secured as `tls` and `insecure` say. */
  readonly transport?: Transport;
}

function noSecrets(): never {
  throw new Error("no secrets are sent from here");
}

/** Who is told of what; nobody is told what nobody asked for. */
function listenersOf({
  onNack,
  onStream,
  onSecrets,
}: XdsServerOptions): Pick<Context, "onNack" | "onStream" | "onSecrets"> {
  const nobody = (): void => {};
  return { onNack: onNack ?? nobody, onStream: onStream ?? nobody, onSecrets: onSecrets ?? nobody };
}

/** Makes a server; it serves after `listen`. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  const onError = options.onError ?? console.error;
  const clock = options.clock ?? systemClock;
  const refusals = createRefusals(clock, options.onRefused ?? (() => {}));
  const metrics = createMetrics(refusals.counts);
  const context: Context = {
    clock,
    wake: createTurns(clock, pump, onError),
    leave: createTurns(clock, leave, onError),
    inquiries: new WeakMap(),
    metrics,
    payloads: createPayloadCache({ identifier: options.identifier, open: options.open ?? noSecrets, onError }),
    nameSets: createNameSets(),
    // What a node says it has is in an order of its own.
    echoes: { delta: createEchoes((read) => read.rawVersions.length === 0), sotw: createEchoes(() => true) },
    ...listenersOf(options),
    readRefusal: options.readRefusal ?? (() => "final"),
    legacyWildcard: options.legacyWildcard ?? ((typeUrl) => LEGACY_WILDCARD_TYPES.has(typeUrl)),
    readsErrors: options.readsErrors ?? (() => true),
    memory: createPool(CLIENT_BYTES),
    onDefect(stream, error) {
      onError(error);
      turnAway(context, [stream], { status: statusOf(error), reason: "defect" });
    },
  };
  const refused = (reason: EndReason): void => countEnd(metrics, reason);
  const port = { ...options, clock, metrics, refused, onError, onRefused: refusals.note };
  const transport = options.transport ?? createGrpcTransport(port);
  const room: Room = {
    context,
    groups: new Map(),
    streams: new Set(),
    places: createPlaces(context.memory, createPool(RESPONSE_BYTES)),
    groupOf: options.groupOf ?? ((node) => node.cluster),
    serveUnknown: options.unknownGroups === "empty",
    door: transport.authenticates ? createDoor(refusals.note) : OPEN_DOOR,
    noteRefusal: refusals.note,
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
      turnAway(context, group?.streams ?? [], { status: unknownGroup(name), reason: "fleet" });
    },
    nodes: (name) => nodeStatuses(groupsOf(room, name)),
    presences: () => nodePresences(room.groups.values()),
    answers: (name, typeUrl) => {
      const group = room.groups.get(name);
      return group === undefined ? [] : nodeAnswers(group, typeUrl);
    },
    metrics() {
      context.metrics.clientBytes = context.memory.used;
      context.metrics.nameSets = context.nameSets.size;
      return context.metrics;
    },
    listen: (address) => transport.listen(address, (method, connection) => accept(room, method, connection)),
    async close() {
      room.closing = true;
      // The port first: a client whose stream ends must not find it open and come back.
      const closed = transport.close();
      createTurns<(status: EndStatus) => void>(context.clock, (end) => end(GOING_DOWN), onError)(room.streams);
      await closed;
    },
  };
}

/** The named one, if it is there; without a name all. */
function groupsOf({ groups }: Room, name: string | undefined): Iterable<Group> {
  if (name === undefined) return groups.values();
  const group = groups.get(name);
  return group === undefined ? [] : [group];
}

function replaceView(
  group: Group,
  view: XdsView,
  { versions, now }: { versions?: ReadonlyMap<string, string> | undefined; now: number },
): void {
  group.findings = new WeakMap();
  group.repeats.length = 0;
  group.changes += 1;
  for (const typeUrl of new Set([...group.types.keys(), ...view.keys(), ...(versions?.keys() ?? [])])) {
    const previous = group.types.get(typeUrl) ?? EMPTY_VIEW;
    const next = nextView(previous, view.get(typeUrl) ?? NO_RESOURCES, versions?.get(typeUrl));
    group.types.set(typeUrl, next);
    if (next === previous) continue;
    const history = group.history.get(typeUrl);
    if (isVersionOf(next, next.version)) history?.note(next.version, next.resources);
    else history?.forget(next.version);
    if (previous === EMPTY_VIEW) continue;
    const diff = diffFrom(next, previous.resources);
    group.departed.get(typeUrl)?.note(diff, previous.resources, now);
    if (typeUrl !== CLUSTER) continue;
    noteRecent(
      group,
      diff.changed.filter((name) => !previous.resources.has(name)),
      now,
    );
  }
}
