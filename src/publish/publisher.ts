/** Ties store, pipeline and consumers together: see the contract in index.ts. */
import { type Compiled, type ExplainRequest, type Explanation, explain } from "../compiler/index.ts";
import { type FleetIr, namedSockets } from "../ir/index.ts";
import { emptySnapshot, type Snapshot } from "../model/index.ts";
import { OUTPUT_KINDS, type OutputKind, type Pipeline } from "../pipeline/index.ts";
import type { Head } from "../store/types.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import { done, type Steps } from "../util/steps.ts";
import type { XdsServer } from "../xds/types.ts";
import { createAdmitter } from "./admitter.ts";
import { createCommits } from "./commits.ts";
import { createFileOutput } from "./fileOutput.ts";
import { createFileProxies, type FileProxies } from "./fileProxies.ts";
import { createFleetStatuses, type FleetStatuses } from "./fleetStatus.ts";
import { createListenerStatus, type ListenerChange, type ListenerStatuses } from "./listenerStatus.ts";
import { createWeights, type Fitting, fittingOf } from "./overweight.ts";
import { createPullingProxies, type PullingProxies } from "./pullingProxies.ts";
import { createRemoteProxies, type RemoteProxies } from "./remoteProxies.ts";
import type { Publication, Publisher, RemoteEvent } from "./types.ts";
import { createXdsOutput, type XdsOutput } from "./xdsOutput.ts";

/** What `onFailure` is told when a whole model cannot be compiled: every fleet keeps what it has. */
export const ALL_FLEETS = "*";

export interface PublisherOptions {
  /** The publisher's own: nobody else runs it. */
  readonly pipeline: Pipeline;
  readonly xds: Pick<XdsServer, "setView" | "setAccess" | "deleteGroup" | "nodes" | "answers">;
  /** How to read what proxies that pull say of listeners; default: nothing is known of these. */
  readonly refusals?: ListenerRefusals;
  /** Called when a listener begins to wait, for a reason, or is served again. Must not throw. */
  readonly onListener?: (change: ListenerChange) => void;
  /** Called when a fleet's output cannot be made, once for each reason. The fleet keeps its last good output. */
  readonly onFailure: (fleet: string, error: unknown, revision: number) => void;
  /** Called when a fleet has good output again after a failure. Must not throw. */
  readonly onRecovered?: (fleet: string, revision: number) => void;
  /** Called when a fleet's output was made, with what its proxies do to get there. Must not throw. */
  readonly onPublished?: (publication: Publication) => void;
  /** Something happened to a proxy that an agent elsewhere reports. Must not throw. */
  readonly onRemote?: (event: RemoteEvent) => void;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
  /** Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

/** Whoever knows the proxy that pulls gives it. */
export interface ListenerRefusals {
  /** The type of listeners' resources, which have the names of ports. */
  readonly typeUrl: string;
  /** Of which of them a refusal says why, and in one sentence why. */
  readonly read: (message: string) => readonly (readonly [port: string, reason: string])[];
}

/** The publisher plus its input: "revision N committed". */
export interface PublisherWithInput extends Publisher {
  /** Which listeners wait: proxies report here. */
  readonly listenerStatus: ListenerStatuses;
  /** What proxies that read files run: those of the local run are shown here. */
  readonly localProxies: FileProxies;
  /** What those that pull and run here say beside it. */
  readonly pullingProxies: PullingProxies;
  /** How often output could not be made since the fleet is there, by fleet. */
  failures(): Iterable<readonly [fleet: string, count: number]>;
  /**
   * Shows the xDS server an earlier revision, oldest first, before the first commit: a proxy that has it loses then nothing that it
   * still uses. Nobody can connect yet. Never throws or rejects.
   */
  recall(head: Head): void | Promise<void>;
  /**
   * Hands the newest committed model on: Envoy fleets at once, file fleets a moment later. A large change is made in slices:
   * then a promise says when it is handed on, and until then the revision before is served. What is committed meanwhile comes
   * next, the newest of it, and nobody shall wait for that (nothing is returned); but for changes of fleets, which say who may
   * pull them. Never throws or rejects.
   */
  commit(head: Head): void | Promise<void>;
  /** Stops timers; nothing is published afterwards. */
  close(): void;
}

/** Starts with nothing published (revision 0); the first `commit` publishes. */
export function createPublisher(options: PublisherOptions): PublisherWithInput {
  const { pipeline, xds } = options;
  let published: { compiled: Compiled; revision: number } | null = null;
  const listenerStatus = statusOf(options, () => published?.compiled ?? null);
  const statuses = createFleetStatuses(listenerStatus.of, options.now);
  const weigh = createWeights(pipeline);
  /** What was compiled last to be handed on. */
  let base: Snapshot = emptySnapshot;
  let closed = false;
  const pullingProxies = createPullingProxies(xds.nodes);
  const localProxies = createFileProxies((fleet) => files.last(fleet));
  const remote = remoteOf(options, localProxies, listenerStatus);
  const noteFiles = (fleet: string): void => localProxies.noteFiles(files.last(fleet));
  const { onGood, onPublished, onFailure } = outcomes(statuses, { ...options, noteFiles });
  const views = createXdsOutput({ pipeline, xds, onFailure, onPublished });
  const files = createFileOutput({
    render: (ir) => pipeline.render(ir, "files"),
    onFailure,
    onPublished,
    onUnchanged: onGood,
    pace: options.pace,
  });

  function* compileFitting(head: Head): Steps<Fitting> {
    const compiled = yield* pipeline.compile(head.snapshot, base);
    base = head.snapshot;
    const fitting = yield* fittingOf(head.snapshot, compiled, { pipeline, weigh });
    for (const [name, error] of fitting.leftOut) onFailure(name, error, head.revision);
    return fitting;
  }

  function* recallSteps(head: Head): Steps<void> {
    for (const ir of (yield* compileFitting(head)).fleets)
      if (pipeline.gives(ir, "resources")) yield* views.recall(ir, head.revision);
  }

  function* commitSteps(head: Head): Steps<void> {
    const { revision } = head;
    const { compiled, fleets, leftOut } = yield* compileFitting(head);
    const kept = new Set(leftOut.keys());
    const pulling = fleets.filter((ir) => pipeline.gives(ir, "resources"));
    yield* views.show(pulling, head, kept);
    if (closed) return;
    const before = published?.compiled.fleets;
    published = { compiled, revision };
    listenerStatus.forgetGone();
    for (const each of [localProxies, remote]) each.retain(new Set(compiled.fleets.keys()));
    const filed = fleets.filter((ir) => pipeline.gives(ir, "files"));
    for (const ir of filed) statuses.pending(ir.name, before?.get(ir.name) !== ir);
    files.update(filed, revision, kept);
  }

  const guarded = guard(options, { views, statuses });

  const { commit, caughtUp } = createCommits(
    ({ snapshot, revision }) => statuses.renew(snapshot.fleet.keys(), revision),
    (head) => (closed ? undefined : guarded(head, commitSteps(head))),
  );

  const fleetOf = (name: string): FleetIr | undefined => published?.compiled.fleets.get(name);

  return {
    createAdmitter: () => createAdmitter(pipeline, weigh),
    caughtUp,
    listenerStatus,
    localProxies,
    fileProxies: localProxies.of,
    remote,
    files: (fleet) => caughtUp().then(() => files.get(fleet)),
    outputs: (fleet: string) => outputsOf(fleetOf(fleet), pipeline),
    pullingProxies,
    proxies: (fleet) => (statuses.of(fleet) === null ? null : pullingProxies.of(fleet)),
    explain: (request) => explained(fleetOf(request.fleet), request),
    publishedRevision: () => published?.revision ?? 0,
    onFiles: files.onFiles,
    status: statuses.of,
    statuses: statuses.all,
    failures: statuses.failures,
    recall: (head) => guarded(head, recallSteps(head)),
    commit,
    close() {
      closed = true;
      for (const each of [views, files, listenerStatus, remote]) each.close();
    },
  };
}

/** Runs steps of handing a head on: whatever is thrown, every fleet keeps what it has, but for who may pull it. */
function guard(
  { onFailure, pace }: PublisherOptions,
  { views, statuses }: { readonly views: XdsOutput; readonly statuses: FleetStatuses },
) {
  return ({ snapshot, revision }: Head, steps: Steps<void>): void | Promise<void> => {
    const onDefect = (error: unknown): void => {
      for (const fleet of snapshot.fleet.keys()) views.setAccess(fleet, snapshot);
      statuses.uncompiled(revision, error);
      onFailure(ALL_FLEETS, error, revision);
    };
    return inSlices(caught(steps, onDefect), pace);
  };
}

function* caught(steps: Steps<void>, onError: (error: unknown) => void): Steps<void> {
  try {
    yield* steps;
  } catch (error) {
    onError(error);
  }
}

/** What becomes of outputs is noted first, then told. */
function outcomes(
  statuses: FleetStatuses,
  options: Pick<PublisherOptions, "onFailure" | "onPublished" | "onRecovered"> & {
    readonly noteFiles: (fleet: string) => void;
  },
) {
  const onGood = (fleet: string, revision: number): void => {
    options.noteFiles(fleet);
    if (statuses.published(fleet, revision)) options.onRecovered?.(fleet, revision);
  };
  return {
    onGood,
    onPublished: (publication: Publication): void => {
      onGood(publication.fleet, publication.revision);
      options.onPublished?.(publication);
    },
    onFailure: (fleet: string, error: unknown, revision: number): void => {
      if (statuses.failed(fleet, revision, error)) options.onFailure(fleet, error, revision);
    },
  };
}

function outputsOf(ir: FleetIr | undefined, pipeline: Pipeline): readonly OutputKind[] {
  return ir === undefined ? [] : OUTPUT_KINDS.filter((kind) => pipeline.gives(ir, kind));
}

function explained(ir: FleetIr | undefined, request: ExplainRequest): Steps<Explanation | null> {
  return ir === undefined ? done(null) : explain(ir, request);
}

function remoteOf(
  { onRemote = () => undefined, now }: PublisherOptions,
  proxies: FileProxies,
  listeners: ListenerStatuses,
): RemoteProxies {
  return createRemoteProxies({ proxies, listeners, onEvent: onRemote, now });
}

function statusOf(options: PublisherOptions, compiled: () => Compiled | null): ListenerStatuses {
  const { xds, refusals, onListener = () => undefined } = options;
  return createListenerStatus({
    fleets: () => compiled()?.fleets.keys() ?? [],
    sockets: (fleet) => {
      const ir = compiled()?.fleets.get(fleet);
      return ir === undefined ? null : namedSockets(ir.ports);
    },
    answers: (fleet) => (refusals === undefined ? [] : xds.answers(fleet, refusals.typeUrl)),
    readRefusal: (message) => refusals?.read(message) ?? [],
    onChange: onListener,
  });
}
