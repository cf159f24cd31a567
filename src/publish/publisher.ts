/** Ties store, pipeline and consumers together: see the contract in index.ts. */
import { type Compiled, type ExplainRequest, type Explanation, explain } from "../compiler/index.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import type { Snapshot } from "../model/index.ts";
import { effectOf, OUTPUT_KINDS, type OutputKind, type Pipeline, type Rendering } from "../pipeline/index.ts";
import type { Head } from "../store/types.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import { sortedByKeySteps } from "../util/sorted.ts";
import { done, type Steps } from "../util/steps.ts";
import type { NodeStatus, XdsServer } from "../xds/types.ts";
import { createFileOutput } from "./fileOutput.ts";
import { createListenerStatus, type ListenerChange, type ListenerStatuses } from "./listenerStatus.ts";
import type { Admission, Publication, Publisher } from "./types.ts";

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
  /** Called when a fleet's output cannot be made: a bug of ours. The fleet keeps its last good output. */
  readonly onFailure: (fleet: string, error: unknown) => void;
  /** Called when a fleet's output was made, with what its proxies do to get there. Must not throw. */
  readonly onPublished?: (publication: Publication) => void;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
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
  /**
   * Shows the xDS server an earlier revision, oldest first, before the first commit: a proxy that has it loses then nothing that it
   * still uses. Nobody can connect yet. Never throws or rejects.
   */
  recall(head: Head): void | Promise<void>;
  /**
   * Hands the newest committed model on: Envoy fleets at once, file fleets a moment later. A large change is made in slices:
   * then a promise says when it is handed on, and until then the revision before is served. Never throws or rejects. The next
   * commit or admission comes after that (the store sees to it).
   */
  commit(head: Head): void | Promise<void>;
  /** Stops timers; nothing is published afterwards. */
  close(): void;
}

/** Starts with nothing published (revision 0); the first `commit` publishes. */
export function createPublisher(options: PublisherOptions): PublisherWithInput {
  const { pipeline, xds, onFailure, onPublished = () => undefined } = options;
  let published: { compiled: Compiled; revision: number } | null = null;
  /** What xDS serves, by fleet. */
  const views = new Map<string, Rendering<"resources">>();
  /** Fleets of earlier revisions that xDS was shown. */
  const recalled = new Set<string>();
  let closed = false;
  const files = createFileOutput({
    render: (ir) => pipeline.render(ir, "files"),
    onFailure,
    onPublished,
    pace: options.pace,
  });

  function* admit(snapshot: Snapshot): Steps<Admission> {
    return { diagnostics: yield* admissionSteps(yield* pipeline.compile(snapshot), pipeline) };
  }

  /** In one turn with the view that the rules are of: whom they newly allow sees nothing that was made for others. */
  function setAccess(fleet: string, snapshot: Snapshot): void {
    if (!closed) xds.setAccess(fleet, snapshot.fleet.get(fleet)?.body.xds?.allow ?? null);
  }

  function* pushView(ir: FleetIr, { revision, snapshot }: Head): Steps<void> {
    try {
      const view = yield* pipeline.render(ir, "resources");
      if (closed) return;
      setAccess(ir.name, snapshot);
      const effect = effectOf(views.get(ir.name) ?? null, view);
      xds.setView(ir.name, view.whole.resources, revision);
      views.set(ir.name, view);
      onPublished({ fleet: ir.name, revision, effect });
    } catch (error) {
      // Who may pull does not wait for what can be pulled.
      setAccess(ir.name, snapshot);
      onFailure(ir.name, error);
    }
  }

  function* recallSteps({ revision, snapshot }: Head): Steps<void> {
    for (const ir of (yield* pipeline.compile(snapshot)).fleets.values()) {
      if (!pipeline.gives(ir, "resources")) continue;
      xds.setView(ir.name, (yield* pipeline.render(ir, "resources")).whole.resources, revision);
      recalled.add(ir.name);
    }
  }

  function* commitSteps({ revision, snapshot }: Head): Steps<void> {
    const compiled = yield* pipeline.compile(snapshot);
    const fleets = [...compiled.fleets.values()];
    const pulling = fleets.filter((ir) => pipeline.gives(ir, "resources"));
    for (const ir of pulling) yield* pushView(ir, { revision, snapshot });
    if (closed) return;
    const before = published?.compiled.fleets.values() ?? [];
    published = { compiled, revision };
    const names = new Set(pulling.map(({ name }) => name));
    for (const old of before) if (pipeline.gives(old, "resources")) recalled.add(old.name);
    for (const name of recalled) {
      if (names.has(name)) continue;
      xds.deleteGroup(name);
      views.delete(name);
    }
    recalled.clear();
    const filed = fleets.filter((ir) => pipeline.gives(ir, "files"));
    files.update(filed, revision);
  }

  function* guarded(head: Head, steps: Steps<void>): Steps<void> {
    try {
      yield* steps;
    } catch (error) {
      for (const fleet of head.snapshot.fleet.keys()) setAccess(fleet, head.snapshot);
      onFailure(ALL_FLEETS, error);
    }
  }

  const fleetOf = (name: string): FleetIr | undefined => published?.compiled.fleets.get(name);
  const listenerStatus = statusOf(options, () => published?.compiled ?? null);

  return {
    admit,
    listenerStatus,
    listeners: listenerStatus.of,
    files: files.get,
    outputs: (fleet: string) => outputsOf(fleetOf(fleet), pipeline),
    proxies: (fleet: string): readonly NodeStatus[] | null => (fleetOf(fleet) === undefined ? null : xds.nodes(fleet)),
    explain: (request) => explained(fleetOf(request.fleet), request),
    publishedRevision: () => published?.revision ?? 0,
    onFiles: files.onFiles,
    recall: (head) => inSlices(guarded(head, recallSteps(head)), options.pace),
    commit: (head) => inSlices(guarded(head, commitSteps(head)), options.pace),
    close() {
      closed = true;
      files.close();
      listenerStatus.close();
    },
  };
}

function outputsOf(ir: FleetIr | undefined, pipeline: Pipeline): readonly OutputKind[] {
  return ir === undefined ? [] : OUTPUT_KINDS.filter((kind) => pipeline.gives(ir, kind));
}

function explained(ir: FleetIr | undefined, request: ExplainRequest): Steps<Explanation | null> {
  return ir === undefined ? done(null) : explain(ir, request);
}

function statusOf(options: PublisherOptions, compiled: () => Compiled | null): ListenerStatuses {
  const { xds, refusals, onListener = () => undefined } = options;
  return createListenerStatus({
    fleets: () => compiled()?.fleets.keys() ?? [],
    ports: (fleet) => compiled()?.fleets.get(fleet)?.ports ?? null,
    answers: (fleet) => (refusals === undefined ? [] : xds.answers(fleet, refusals.typeUrl)),
    readRefusal: (message) => refusals?.read(message) ?? [],
    onChange: onListener,
  });
}

/** What the proxies of every fleet cannot do, or do approximately. Sorted. */
function* admissionSteps({ fleets }: Compiled, { gate }: Pipeline): Steps<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const ir of fleets.values()) {
    for (const diagnostic of yield* gate(ir)) found.push(diagnostic);
  }
  return yield* sortedByKeySteps(found, diagnosticKey);
}
