/** Ties store, compiler, targets and consumers together: see the contract in index.ts. */
import { type Compiled, compileSteps, type ExplainRequest, type Explanation, explain } from "../compiler/index.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import type { FleetIr, ProxyKind } from "../ir/index.ts";
import type { Snapshot } from "../model/index.ts";
import type { Head } from "../store/types.ts";
import { gateSteps } from "../targets/gate.ts";
import type { RenderedResources, Target } from "../targets/target.ts";
import { inSlices, type Pace } from "../util/slices.ts";
import { sortedByKeySteps } from "../util/sorted.ts";
import { done, type Steps } from "../util/steps.ts";
import type { NodeStatus, XdsServer } from "../xds/types.ts";
import { createFileOutput } from "./fileOutput.ts";
import type { Admission, Publisher } from "./types.ts";

/** What `onFailure` is told when a whole model cannot be compiled: every fleet keeps what it has. */
export const ALL_FLEETS = "*";

export interface PublisherOptions {
  readonly targets: Readonly<Record<ProxyKind, Target>>;
  readonly xds: Pick<XdsServer, "setView" | "deleteGroup" | "nodes">;
  /** Called when a fleet's output cannot be made: a bug of ours. The fleet keeps its last good output. */
  readonly onFailure: (fleet: string, error: unknown) => void;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
}

/** The publisher plus its input: "revision N committed". */
export interface PublisherWithInput extends Publisher {
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
  const { targets, xds, onFailure } = options;
  let published: { compiled: Compiled; revision: number } | null = null;
  /** The newest compilation, published or not: the base of the next one. */
  let latest: Compiled | null = null;
  let closed = false;
  const files = createFileOutput({ targets, onFailure, pace: options.pace });

  function* compiledFor(snapshot: Snapshot): Steps<Compiled> {
    latest = yield* compileSteps(snapshot, latest);
    return latest;
  }

  function* admit(snapshot: Snapshot): Steps<Admission> {
    return { diagnostics: yield* admissionSteps(yield* compiledFor(snapshot), targets) };
  }

  function* pushEnvoy(ir: FleetIr, revision: number): Steps<void> {
    try {
      const view = yield* renderEnvoy(ir, targets[ir.proxy]);
      if (!closed) xds.setView(ir.name, view, revision);
    } catch (error) {
      onFailure(ir.name, error);
    }
  }

  function* commitSteps({ revision, snapshot }: Head): Steps<void> {
    const compiled = yield* compiledFor(snapshot);
    for (const ir of compiled.fleets.values()) if (ir.proxy === "envoy") yield* pushEnvoy(ir, revision);
    if (closed) return;
    const before = published?.compiled.fleets ?? new Map<string, FleetIr>();
    published = { compiled, revision };
    for (const [name, old] of before) {
      const now = compiled.fleets.get(name);
      if (old.proxy === "envoy" && now?.proxy !== "envoy") xds.deleteGroup(name);
    }
    files.update(
      [...compiled.fleets.values()].filter(({ proxy }) => proxy !== "envoy"),
      revision,
    );
  }

  function* guarded(steps: Steps<void>): Steps<void> {
    try {
      yield* steps;
    } catch (error) {
      onFailure(ALL_FLEETS, error);
    }
  }

  const fleetOf = (name: string): FleetIr | undefined => published?.compiled.fleets.get(name);

  return {
    admit,
    files: files.get,
    proxies: (fleet: string): readonly NodeStatus[] | null => (fleetOf(fleet) === undefined ? null : xds.nodes(fleet)),
    explain: (request: ExplainRequest): Steps<Explanation | null> => {
      const ir = fleetOf(request.fleet);
      return ir === undefined ? done(null) : explain(ir, request);
    },
    publishedRevision: () => published?.revision ?? 0,
    onFiles: files.onFiles,
    commit: (head) => inSlices(guarded(commitSteps(head)), options.pace),
    close() {
      closed = true;
      files.close();
    },
  };
}

function* renderEnvoy(ir: FleetIr, target: Target): Steps<RenderedResources["resources"]> {
  const rendered = yield* target.render(ir);
  if (rendered.kind !== "resources") throw new Error(`target ${ir.proxy} gave no resources`);
  return rendered.resources;
}

/** What the proxies of every fleet cannot do, or do approximately. Sorted. */
function* admissionSteps(
  compiled: Compiled,
  targets: Readonly<Record<ProxyKind, Target>>,
): Steps<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const ir of compiled.fleets.values()) {
    for (const diagnostic of yield* gateSteps(ir, targets[ir.proxy])) found.push(diagnostic);
  }
  return yield* sortedByKeySteps(found, diagnosticKey);
}
